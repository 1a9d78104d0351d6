import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputsText, type SettledSource, type TemplateSettings } from '../../../src/domain/template.ts';
import { chooseSource, type TemplateFlags } from '../../../src/domain/template-choice.ts';

const HEX = 'a'.repeat(64);
const URL_OF_IMAGE = 'https://example.org/debian.qcow2';
const BARE: TemplateSettings = { image: undefined, suite: undefined, mirror: undefined, packages: [], sizeGib: 3 };
const WITH_IMAGE: TemplateSettings = { ...BARE, image: { url: URL_OF_IMAGE, checksum: `sha256:${HEX}` } };

const refusal = (flags: TemplateFlags, settings: TemplateSettings = BARE): string => {
  try {
    chooseSource(flags, settings);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'accepted';
};

describe('where a template comes from', () => {
  it('is Debian where nobody says otherwise', () => {
    expect(chooseSource({}, BARE)).toEqual({
      kind: 'packages',
      suite: undefined,
      mirror: undefined,
      packages: [],
      sizeGib: 3,
    });
  });

  it('is the configured image, unless a flag asks for packages', () => {
    expect(chooseSource({}, WITH_IMAGE)).toEqual({
      kind: 'url',
      url: URL_OF_IMAGE,
      checksum: `sha256:${HEX}`,
      asIs: false,
    });
    expect(chooseSource({ fromPackages: true }, WITH_IMAGE).kind).toBe('packages');
    expect(chooseSource({ suite: 'trixie' }, WITH_IMAGE)).toMatchObject({ kind: 'packages', suite: 'trixie' });
    expect(chooseSource({ image: 'a.qcow2' }, WITH_IMAGE)).toMatchObject({ kind: 'file', checksum: undefined });
  });

  it('takes checksums in either case and of either kind', () => {
    const chosen = chooseSource({ url: URL_OF_IMAGE, checksum: `SHA512:${'AB'.repeat(64)}` }, BARE);
    expect(chosen).toMatchObject({ checksum: `sha512:${'ab'.repeat(64)}` });
  });

  it.each<[string, TemplateFlags, RegExp]>([
    ['a URL without a checksum', { url: URL_OF_IMAGE }, /--url wants --checksum/],
    ['a short checksum', { url: URL_OF_IMAGE, checksum: 'sha256:abc' }, /--checksum wants/],
    ['a checksum of md5', { url: URL_OF_IMAGE, checksum: `md5:${'a'.repeat(32)}` }, /--checksum wants/],
    ['a password in a URL', { url: 'https://me:secret@example.org/x', checksum: `sha256:${HEX}` }, /--url wants/],
    ['another protocol', { url: 'file:///etc/shadow', checksum: `sha256:${HEX}` }, /--url wants/],
    ['two sources', { url: URL_OF_IMAGE, checksum: `sha256:${HEX}`, image: 'x' }, /only one of/],
    ['an image and a release', { image: 'x', suite: 'bookworm' }, /only one of/],
    ['a checksum of nothing', { checksum: `sha256:${HEX}` }, /--checksum goes with/],
    ['a release that is an option', { suite: '--help' }, /--suite wants/],
    ['an empty file name', { image: '' }, /--image wants/],
    ['packages as they are', { asIs: true }, /--as-is goes with/],
  ])('refuses %s in words', (_what, flags, words) => {
    expect(refusal(flags)).toMatch(words);
  });

  it('names every fault at once and never a password', () => {
    const text = refusal({ url: 'https://me:hunter2@example.org/x', checksum: 'x', suite: '..' });
    expect(text.split('; ').length).toBeGreaterThanOrEqual(4);
    expect(text).not.toContain('hunter2');
  });

  it('refuses a configured image without a checksum', () => {
    expect(refusal({}, { ...BARE, image: { url: URL_OF_IMAGE, checksum: undefined } })).toMatch(/template\.checksum/);
  });
});

describe('what makes two builds the same', () => {
  const local = fc.record({
    path: fc.string(),
    name: fc.constantFrom('libpam-web3', 'other'),
    version: fc.string(),
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
  });
  const settled = fc.record({
    source: fc.record({
      kind: fc.constant('packages' as const),
      suite: fc.constant('bookworm'),
      mirror: fc.constant(undefined),
      packages: fc.uniqueArray(fc.constantFrom('vim', 'less', 'nano'), { maxLength: 3 }),
      sizeGib: fc.integer({ min: 1, max: 9 }),
    }),
    pinned: fc.constant('bookworm'),
    localPackages: fc.array(local, { maxLength: 3 }),
  });

  it('is neither order nor file names', () => {
    fc.assert(
      fc.property(settled, (one) => {
        const other: SettledSource = {
          ...one,
          source: { ...one.source, packages: [...one.source.packages].reverse() },
          localPackages: [...one.localPackages].reverse().map((each) => ({ ...each, path: `/elsewhere${each.path}` })),
        };
        expect(inputsText(other)).toBe(inputsText(one));
      }),
    );
  });

  it('is everything that decides what is in it', () => {
    fc.assert(
      fc.property(settled, local, (one, added) => {
        const text = inputsText(one);
        const { source } = one;
        const others: SettledSource[] = [
          { ...one, pinned: 'trixie' },
          { ...one, source: { ...source, sizeGib: source.sizeGib + 1 } },
          { ...one, source: { ...source, packages: [...source.packages, 'htop'] } },
          { ...one, source: { ...source, mirror: 'http://mirror.example' } },
          { ...one, localPackages: [...one.localPackages, { ...added, sha256: 'f'.repeat(64) }] },
        ];
        for (const other of others) expect(inputsText(other)).not.toBe(text);
      }),
    );
  });

  it('is not where an image was fetched from, but its checksum and what is done to it', () => {
    const image = (url: string, pinned: string, asIs: boolean): string =>
      inputsText({ source: { kind: 'url', url, checksum: pinned, asIs }, pinned, localPackages: [] });
    const one = image('https://a.example/x', 'sha256:1', false);
    expect(image('https://b.example/y', 'sha256:1', false)).toBe(one);
    expect(image('https://a.example/x', 'sha256:2', false)).not.toBe(one);
    expect(image('https://a.example/x', 'sha256:1', true)).not.toBe(one);
  });
});

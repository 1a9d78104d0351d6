import { beforeEach, describe, expect, it } from 'vitest';
import type { SettledSource, TemplateSource } from '../../../src/domain/template.ts';
import { buildTemplate, type TemplateOutcome } from '../../../src/operations/template/build-template.ts';
import { builtBefore, createModelWorkshop, type ModelWorkshop } from '../../models/model-workshop.ts';

const source: TemplateSource = { kind: 'packages', suite: 'bookworm', mirror: undefined, packages: [], sizeGib: 3 };
const settled: SettledSource = { source, pinned: 'bookworm', localPackages: [] };
const login = { path: '/p/a.deb', name: 'libpam-web3', version: '1', sha256: 'f'.repeat(64) };

let model: ModelWorkshop;
const build = (how: { rebuild?: boolean; installMissing?: boolean } = {}): Promise<TemplateOutcome> =>
  buildTemplate(
    { ...model, clock: { monotonicMs: () => 0 } },
    { source, rebuild: how.rebuild ?? false, installMissing: how.installMissing ?? false },
  );

describe('building a template', () => {
  beforeEach(() => {
    model = createModelWorkshop();
  });

  it('cleans up after others, builds, stores, and cleans up after itself, under the lock', async () => {
    const { kind, template } = await build();
    expect(kind).toBe('built');
    expect(model.did).toEqual(['lock', 'clean but downloads', 'build', 'store', 'clean', 'unlock']);
    expect(template).toMatchObject({ source: 'Debian bookworm', versions: { mode: 'packages', kernel: '6.1' } });
  });

  it('does nothing a second time, and says so', async () => {
    await build();
    model.did.length = 0;
    expect((await build()).kind).toBe('up-to-date');
    expect(model.did).toEqual([]);
  });

  it('builds again when told to, when a local package is another, and when the base is gone', async () => {
    model.world.current = builtBefore(settled);
    expect((await build({ rebuild: true })).kind).toBe('built');
    model.world.current = builtBefore(settled);
    model.world.localPackages = [login];
    expect((await build()).kind).toBe('built');
    expect((await build()).kind).toBe('up-to-date');
    model.world.current = 'absent';
    expect((await build()).kind).toBe('built');
  });

  it('says before anything else that it wants root', async () => {
    model.world.root = false;
    model.world.missing = [{ program: 'mmdebstrap', debianPackage: 'mmdebstrap' }];
    await expect(build()).rejects.toMatchObject({ message: 'a template can only be built by root' });
    expect(model.did).toEqual([]);
  });

  it('names all that is missing in one message with one command, and changes nothing', async () => {
    model.world.free = 10;
    model.world.missing = [
      { program: 'unshare', debianPackage: 'util-linux' },
      { program: 'setpriv', debianPackage: 'util-linux' },
      { program: 'mmdebstrap', debianPackage: 'mmdebstrap' },
    ];
    await expect(build()).rejects.toMatchObject({
      message: 'only 1 MiB are free where 1 MiB are needed; this host lacks unshare, setpriv, mmdebstrap',
      hint: 'run: apt-get install --no-install-recommends mmdebstrap util-linux (or say --install-missing)',
    });
    expect(model.did).toEqual([]);
  });

  it('installs what is missing only when told to', async () => {
    model.world.missing = [{ program: 'mmdebstrap', debianPackage: 'mmdebstrap' }];
    await build({ installMissing: true });
    expect(model.did).toContain('install mmdebstrap');
  });

  it('waits for another build and takes what that one built', async () => {
    model.world.whileWaiting = () => {
      model.world.current = builtBefore(settled);
    };
    for (const rebuild of [false, true]) {
      model.world.current = 'absent';
      model.did.length = 0;
      expect((await build({ rebuild })).kind).toBe('up-to-date');
      expect(model.did).toEqual([expect.stringContaining('another build is under way'), 'lock', 'unlock']);
    }
  });

  it('keeps what was downloaded, and nothing else, when a build fails; the old base counts', async () => {
    model.world.current = { ...builtBefore(settled), versions: { inputs: 'other' } };
    model.world.failBuild = new Error('apt failed');
    await expect(build()).rejects.toBe(model.world.failBuild);
    expect(model.did.slice(-2)).toEqual(['clean but downloads', 'unlock']);
    expect(model.world.current.digest).toBe('sha256:before');
  });

  it('tells of a source without what its URL may carry', async () => {
    const url = 'https://example.org/a.qcow2?token=secret#x';
    const image: TemplateSource = { kind: 'url', url, checksum: 'sha256:1', asIs: true };
    const { template } = await buildTemplate(
      { ...model, clock: { monotonicMs: () => 0 } },
      { source: image, rebuild: false, installMissing: false },
    );
    expect(template).toMatchObject({ source: 'https://example.org/a.qcow2', versions: { mode: 'image, as it is' } });
  });
});

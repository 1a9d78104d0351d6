import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './tool.ts';
import { filesBelow, textOf } from './tree.ts';

const sources = ['src', 'streams', 'cli']
  .flatMap((folder) => filesBelow(folder))
  .filter((path) => path.endsWith('.ts'));

describe('the size of files', () => {
  const sizes = sources
    .map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }))
    .sort((a, b) => a.lines - b.lines);
  const at = (share: number): number => sizes[Math.floor((sizes.length - 1) * share)]?.lines ?? 0;

  it('is at most 250 lines', () => {
    expect(sizes.filter(({ lines }) => lines > 250)).toEqual([]);
  });

  it('is at most 90 lines for half of them and at most 200 for nine in ten', () => {
    expect(sizes.length).toBeGreaterThan(50);
    expect(at(0.5)).toBeLessThanOrEqual(90);
    expect(at(0.9)).toBeLessThanOrEqual(200);
  });
});

describe('the program', () => {
  /** Outside the operators, which subscribe to their source, and the drivers, which know no Observables. */
  const subscribing = sources
    .filter((path) => !path.startsWith('streams/operators/') && !path.startsWith('src/drivers/'))
    .flatMap((path) =>
      [...textOf(path).matchAll(/(?:\.subscribe|\b(?:last|first)ValueFrom)\s*(?:<[^>]*>)?\(/g)].map(() => path),
    );

  it('has exactly one subscription, in src/daemon', () => {
    expect(subscribing).toHaveLength(1);
    expect(subscribing[0]).toMatch(/^src\/daemon\//);
  });

  it('has no file that is named index', () => {
    expect(sources.filter((path) => /(^|\/)index\.ts$/.test(path))).toEqual([]);
  });
});

describe('every file', () => {
  /** Put together here, so that this file does not find itself. */
  const FOREIGN = [
    ['/wo', 'rk/'],
    ['/ro', 'ot/'],
    ['/home', '/[a-z]'],
    ['registry\\.', 'npmjs\\.'],
    ['registry\\.', 'yarnpkg\\.'],
    ['npm_config', '_registry'],
    ['proxy\\.', 'golang\\.'],
    ['veri', 'daccio'],
  ].map((parts) => new RegExp(`(?<![\\w.])${parts.join('')}`));
  const READ =
    /\.(ts|mjs|json|sh|py|md|yaml|yml|sol|grit|service|timer|txt|lock)$|(^|\/)(control|rules|changelog|postinst|prerm|install)$/;

  it('is free of paths and hosts of the machine that it was written on', () => {
    const read = filesBelow('.').filter((path) => READ.test(path));
    expect(read.length).toBeGreaterThan(100);
    const found = read.flatMap((path) => {
      const lines = textOf(path).split('\n');
      return lines.flatMap((line, i) =>
        FOREIGN.some((pattern) => pattern.test(line)) ? [`${path}:${i + 1}: ${line.trim().slice(0, 120)}`] : [],
      );
    });
    expect(found).toEqual([]);
  });
});

describe('the version', () => {
  const { version }: { version: string } = JSON.parse(textOf('package.json'));
  const inFile = (path: string, find: (text: string) => unknown): unknown =>
    existsSync(join(root, path)) ? find(textOf(path)) : version;

  it('is the same in package.json, its lock file, the manifest and the changelog, as far as they exist', () => {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(inFile('package-lock.json', (text) => JSON.parse(text).version)).toBe(version);
    expect(inFile('provisioner.json', (text) => JSON.parse(text).version)).toBe(version);
    expect(inFile('debian/changelog', (text) => /\((\d+\.\d+\.\d+)/.exec(text)?.[1])).toBe(version);
  });
});

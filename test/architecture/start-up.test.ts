import { readdirSync } from 'node:fs';
import { build, type Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { repositoryPath } from '../lab/repository.ts';

/*
 * Callers give some commands half a second, and loading is most of what a short command does: what a program loads before it
 * needs it is counted here in packages, which no other load on the machine can blur.
 */

let outputs: Metafile['outputs'];
beforeAll(async () => {
  const entryPoints = readdirSync(repositoryPath('cli'))
    .filter((name) => /^blockhost-.*\.ts$/.test(name))
    .map((name) => repositoryPath('cli', name));
  const { metafile } = await build({
    entryPoints,
    absWorkingDir: repositoryPath('.'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    outdir: 'dist',
    write: false,
    metafile: true,
  });
  outputs = metafile.outputs;
});

const loadedWith = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const { path, kind } of outputs[file]?.imports ?? []) {
    if (kind === 'import-statement' && outputs[path] !== undefined) loadedWith(path, seen);
  }
  return seen;
};

/** The packages that come with a program and with the command that it imports first. */
const packagesOf = (program: string, command: string): readonly string[] => {
  const chunk = Object.keys(outputs).find((file) => outputs[file]?.entryPoint === `src/commands/${command}.ts`) ?? '';
  const inputs = [`dist/${program}.js`, chunk].flatMap((file) =>
    [...loadedWith(file)].flatMap((output) => Object.keys(outputs[output]?.inputs ?? {})),
  );
  const names = inputs.flatMap((input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []);
  return [...new Set(names)];
};

describe('what a program loads before it needs it', () => {
  it.each([
    ['blockhost-vm-status', 'status'],
    ['blockhost-vm-list', 'list'],
    ['blockhost-vm-kill', 'power'],
    ['blockhost-vm-resume', 'resume'],
    ['blockhost-vm-gc', 'gc'],
    ['blockhost-vm-create', 'create'],
    ['blockhost-vm-throttle', 'throttle'],
    ['blockhost-vm-guest-exec', 'guest-exec'],
    ['blockhost-vm-update-gecos', 'update-gecos'],
    ['blockhost-mint-nft', 'mint'],
    ['blockhost-provisioner', 'why'],
    ['blockhost-provisioner-detect', 'detect'],
  ])('is neither a library of chains nor one of logs: %s', (program, command) => {
    const packages = packagesOf(program, command);
    expect(packages).toContain('zod');
    for (const heavy of ['viem', 'ethers', 'pino', 'rxjs', 'node-cron']) expect(packages).not.toContain(heavy);
  });

  it('is its arguments’ parser alone for metrics, which a watchdog runs every two seconds', () => {
    expect(packagesOf('blockhost-vm-metrics', 'metrics')).toEqual(['commander']);
  });
});

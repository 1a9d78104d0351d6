import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCommandProcess, type CommandProcess, CRASH_SEED, sampleOf, traceIn } from './crash-points.ts';

/*
 * Real processes with the real journal, locks, records and quarantine kill themselves (SIGKILL) before and after each effect
 * of a destroy, also between the files that quarantine takes; the host's domains and disks are files. The same destroy
 * again, or the daemon, finds nothing left to do but what was ordered, and a machine beside it never notices.
 */

/** Without FULL=1, so many points. */
const SAMPLE = 8;

let command: CommandProcess;
let work: string;
let dir: string;
let image: string;

const run = (...argv: readonly string[]) => command.run([dir, ...argv]);
const destroy = (at = 0, when = '') => run('destroy', 'testbox', String(at), when);
const look = async () => {
  const { stdout, stderr } = await run('daemon', 'testbox');
  expect(stderr).toBe('');
  const seen: { readonly domains: readonly { readonly vm: string }[] } = JSON.parse(stdout);
  // libvirt promises no order.
  return { ...seen, domains: [...seen.domains].sort((one, other) => one.vm.localeCompare(other.vm)) };
};
/** The host as it was with both machines, at the same paths. */
const putBack = async (): Promise<void> => {
  await rm(dir, { recursive: true, force: true });
  await cp(image, dir, { recursive: true });
};

const EFFECTS = [
  'journal.append', // the order
  'journal.append', // the intent
  'hypervisor.powerOff',
  'quarantine.rename', // its dossier
  'hypervisor.undefine',
  'quarantine.rename', // its disk
  'quarantine.rename', // its cloud-init directory
  'records.patch',
  'records.releaseAddresses',
  'hostRoutes.remove',
  'journal.append', // in quarantine
  'quarantine.rm', // one kept file
  'quarantine.rm', // the other
  'quarantine.rm', // the dossier, with its directory
  'journal.append', // purged
  'journal.append', // the outcome
];
const FILES = (name: string) => [`${name}.qcow2`, `cloud-init/${name}`, `cloud-init/${name}/seed.iso`];
const BOTH = {
  machines: [
    { vm: 'beside', phase: 'present', failures: {} },
    { vm: 'testbox', phase: 'present', failures: {} },
  ],
  domains: [
    { vm: 'beside', run: 'running' },
    { vm: 'testbox', run: 'running' },
  ],
  records: [
    { vm: 'beside', status: 'active', ipAddress: '192.168.122.2' },
    { vm: 'testbox', status: 'active', ipAddress: '192.168.122.3' },
  ],
  files: [...FILES('beside'), ...FILES('testbox')].sort(),
  routes: ['2001:db8::3', '2001:db8::4'],
  allocated: { ipv4: ['192.168.122.2', '192.168.122.3'], ipv6: ['2001:db8::3', '2001:db8::4'] },
};
const BESIDE_ALONE = {
  machines: [
    { vm: 'beside', phase: 'present', failures: {} },
    { vm: 'testbox', phase: 'gone', failures: {} },
  ],
  domains: [{ vm: 'beside', run: 'running' }],
  records: [
    { vm: 'beside', status: 'active', ipAddress: '192.168.122.2' },
    { vm: 'testbox', status: 'destroyed', ipAddress: '192.168.122.3' },
  ],
  files: FILES('beside'),
  routes: ['2001:db8::3'],
  allocated: { ipv4: ['192.168.122.2'], ipv6: ['2001:db8::3'] },
};

beforeAll(async () => {
  command = await buildCommandProcess();
  work = await mkdtemp(join(tmpdir(), 'destroy-killed-'));
  [dir, image] = [join(work, 'host'), join(work, 'image')];
  await mkdir(dir);
  for (const name of ['beside', 'testbox']) expect((await run('create', name)).exitCode).toBe(0);
  expect(await look()).toMatchObject(BOTH);
  for (const name of await readdir(dir)) if (name.startsWith('trace-')) await rm(join(dir, name));
  await cp(dir, image, { recursive: true });
}, 60_000);
afterAll(async () => {
  await command?.remove();
  await rm(work, { recursive: true, force: true });
});

describe('a destroy of real processes', () => {
  it('killed before or after any of its effects leaves nothing, or a machine that runs as before (L4, D14)', {
    timeout: 600_000,
  }, async () => {
    expect(await destroy()).toMatchObject({ exitCode: 0, stderr: '' });
    const trace = await traceIn(dir);
    expect(trace).toEqual(EFFECTS);
    expect(await look()).toMatchObject(BESIDE_ALONE);
    const every = trace.flatMap((_, i) =>
      (['before', 'after'] as const).flatMap((when) =>
        (['destroy', 'daemon'] as const).map((by) => ({ at: i + 1, when, by })),
      ),
    );
    const points = sampleOf(every, SAMPLE);
    for (const { at, when, by } of points) {
      const where = `${when} ${trace[at - 1]} (${at}), then the ${by}, CRASH_SEED=${CRASH_SEED}`;
      await putBack();
      expect((await destroy(at, when)).signal, where).toBe('SIGKILL');
      if (by === 'destroy') expect(await destroy(), where).toMatchObject({ exitCode: 0, stderr: '' });
      // Until the order is in the journal, nobody but who gave it knows of it.
      const ordered = by === 'destroy' || at > 1 || when === 'after';
      expect(await look(), where).toMatchObject(ordered ? BESIDE_ALONE : BOTH);
      if (!ordered) expect((await destroy()).exitCode, where).toBe(0);
    }
    const drawn = points.length === every.length ? '' : ` (of ${every.length})`;
    console.info(`command destroy: crash points: ${points.length}/${points.length} converge${drawn}`);
  });
});

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EventRecorder, recordEvents } from '../lab/event-recorder.ts';
import { type LibvirtLab, startLibvirt } from '../lab/libvirt.ts';
import { until } from '../lab/processes.ts';
import { repositoryPath } from '../lab/repository.ts';
import { virshOn } from '../lab/virsh.ts';
import { buildCommandProcess, type CommandProcess } from './crash-points.ts';

/*
 * Creates, destroys and garbage collections as processes of their own, with the real journal, locks and records, and a
 * program in Python that writes the same records, all at once. The domains are those of libvirt's test driver, in a libvirtd that
 * all of them share; it has no pool that makes files and no bridge to look at, so disks, seeds and capacity are a model's.
 */

const CREATES = process.env.FULL ? 50 : 30;
const FIRST = 10;
const COLLECTIONS = 5;
const CREATES_TO_A_COLLECTION = 4;
const PYTHON_WRITES = 40;
/** So many processes at one time: more would measure the machine's memory. */
const WIDTH = process.env.FULL ? 50 : 10;

let dir: string;
let command: CommandProcess;
let lab: LibvirtLab;
let uri: string;
let kept: EventRecorder;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bh-'));
  await chmod(dir, 0o755);
  [command, lab] = await Promise.all([buildCommandProcess(), startLibvirt({ dir: join(dir, 'l') })]);
  uri = `test+unix:///default?${lab.uri.split('?')[1]}`;
  // The driver forgets its domains with its last connection.
  kept = recordEvents(uri, join(dir, 'events.log'));
  const { tryVirsh } = virshOn(uri);
  await until('the kept connection hears libvirt', async () => {
    // Until it is kept, each of these meets a driver that has forgotten the other one.
    await tryVirsh('suspend', 'test');
    await tryVirsh('resume', 'test');
    return kept.events().length > 0;
  });
}, 60_000);
afterAll(async () => {
  await kept?.stop();
  await lab?.stop();
  await command?.remove();
  await rm(dir, { recursive: true, force: true });
}, 60_000);

const run = async (task: string, name = '') => {
  const { exitCode, stdout, stderr } = await command.run([join(dir, 'host'), task, name], { LIBVIRT_DEFAULT_URI: uri });
  return { task, name, code: exitCode, stdout, stderr };
};

const allOf = async <T>(jobs: readonly (() => Promise<T>)[]): Promise<readonly T[]> => {
  const waiting = jobs.entries();
  const done: T[] = [];
  const worker = async (): Promise<void> => {
    for (const [, job] of waiting) done.push(await job());
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
  return done;
};

interface Found {
  readonly vms: Readonly<Record<string, { status: string; ip_address: string; ipv6_address?: string; vmid: number }>>;
  readonly allocated_ips: readonly string[];
  readonly count: number;
}

interface Address {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

const names = (count: number, from: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `box-${from + i}`);

describe(`${CREATES} creates, with destroys, collections and a program in Python at once`, () => {
  it('share no address, lose no record, and leave no disk and no domain behind (L2, D26)', {
    timeout: 600_000,
  }, async () => {
    const host = join(dir, 'host');
    const vmsJson = join(host, 'var/lib/blockhost/vms.json');
    await mkdir(join(host, 'var/lib/blockhost'), { recursive: true });
    await writeFile(vmsJson, JSON.stringify({ vms: {}, allocated_ips: [], next_vmid: 100 }));
    const first = names(FIRST, 0);
    const later = names(CREATES - FIRST, FIRST);
    const before = await allOf(first.map((name) => () => run('create', name)));
    expect(before.filter(({ code }) => code !== 0)).toEqual([]);

    const python = execa('python3', [repositoryPath('test/python/generation_b.py'), vmsJson, String(PYTHON_WRITES)]);
    const jobs = later.flatMap((name, i) => [
      () => run('create', name),
      ...(i < FIRST ? [() => run('destroy', `box-${i}`)] : []),
      ...(i % CREATES_TO_A_COLLECTION === 0 && i / CREATES_TO_A_COLLECTION < COLLECTIONS ? [() => run('gc')] : []),
    ]);
    const [ends] = await Promise.all([allOf(jobs), python]);
    expect(ends.filter(({ code }) => code !== 0)).toEqual([]);

    const living = ends
      .filter(({ task }) => task === 'create')
      .map(({ name, stdout }): Address => ({ name, ...JSON.parse(stdout) }));
    expect(living).toHaveLength(CREATES - FIRST);
    expect(new Set(living.map(({ ipv4 }) => ipv4)).size).toBe(CREATES - FIRST);
    expect(new Set(living.map(({ ipv6 }) => ipv6)).size).toBe(CREATES - FIRST);

    const { vms, allocated_ips: allocated, count }: Found = JSON.parse(await readFile(vmsJson, 'utf8'));
    const ofPython = Object.keys(vms).filter((name) => name.startsWith('python-'));
    expect([ofPython.length, count]).toEqual([PYTHON_WRITES, PYTHON_WRITES]);
    const active = Object.entries(vms).filter(([name, { status }]) => status === 'active' && name.startsWith('box-'));
    expect(active.map(([name]) => name).sort()).toEqual([...later].sort());
    for (const { name, ipv4 } of living) expect(vms[name]?.ip_address).toBe(ipv4);
    for (const name of first) expect([undefined, 'destroyed']).toContain(vms[name]?.status);
    const inUse = [...active.map(([, { ip_address: ip }]) => ip), ...ofPython.map((name) => vms[name]?.ip_address)];
    expect([...allocated].sort()).toEqual(inUse.sort());

    const disks = (await readdir(join(host, 'vms'))).filter((file) => file.endsWith('.qcow2'));
    expect(disks.sort()).toEqual(later.map((name) => `${name}.qcow2`).sort());
    const look = await run('daemon', later[0]);
    expect(look.stderr).toBe('');
    const { domains, machines } = JSON.parse(look.stdout);
    expect(domains.map(({ vm, run: state }: { vm: string; run: string }) => `${vm} ${state}`).sort()).toEqual(
      [...later.map((name) => `${name} running`), 'test running'].sort(),
    );
    const present = machines.filter(({ phase }: { phase: string }) => phase === 'present');
    expect(present.map(({ vm }: { vm: string }) => vm).sort()).toEqual([...later].sort());
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLedger } from '../demo/ledger.ts';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { until } from '../lab/processes.ts';
import { repositoryPath } from '../lab/repository.ts';
import { CRASH_SEED, sampleOf } from './crash-points.ts';
import { openRealHost, type RealHost } from './real-host.ts';

/*
 * The executable that ships is killed (SIGKILL) on a real host as soon as one of its effects is seen from outside, or a
 * moment later: between that effect and the next. Before the commit and after it, and for either heir, CRASH_SEED draws one
 * such moment; FULL=1 takes them all.
 */

/** Often enough to be there before the next effect; without a pause it would take half of the machine from who makes them. */
const LOOK_EVERY_MS = 2;
/** How long after the effect, at most. */
const LATER_MS = 80;
const SMALL = ['--memory', '256', '--disk', '1', '--no-mint', '--apply'];

describe.skipIf(!namespacesAllowed())('blockhost-vm-create, killed on a real host', () => {
  let host: RealHost;
  let wallet: string;

  const text = (path: string): string => (existsSync(host.at(path)) ? readFileSync(host.at(path), 'utf8') : '');
  const journal = (): string => text('var/lib/blockhost/provisioner/journal.ndjson');
  const linesOf = (name: string, word: string): boolean => {
    const uuid = new RegExp(`"create-begun","uuid":"([0-9a-f-]{36})","name":"${name}"`).exec(journal())?.[1];
    return uuid !== undefined && new RegExp(`"kind":"${word}","uuid":"${uuid}"`).test(journal());
  };
  const EFFECTS: readonly (readonly [string, (name: string) => boolean | Promise<boolean>])[] = [
    [
      'it has its lock',
      (name) =>
        existsSync(
          host.at(`var/lib/blockhost/provisioner/locks/create-${Buffer.from(name).toString('base64url')}.lock`),
        ),
    ],
    ['its begin is in the journal', (name) => linesOf(name, 'create-begun')],
    ['its seed directory is there', (name) => existsSync(host.at(`var/lib/blockhost/cloud-init/${name}`))],
    ['its seed is there', (name) => existsSync(host.at(`var/lib/blockhost/cloud-init/${name}/${name}-cloud-init.iso`))],
    ['its disk is there', (name) => existsSync(host.at(`var/lib/blockhost/vms/${name}.qcow2`))],
    ['its domain is defined', (name) => existsSync(`${host.libvirt.dir}/etc/libvirt/qemu/${name}.xml`)],
    ['its record is there', (name) => text('var/lib/blockhost/vms.json').includes(`"vm_name": "${name}"`)],
    ['its commit is in the journal', (name) => linesOf(name, 'created')],
    ['its qemu runs', async (name) => (await host.libvirt.qemuPid(name)) !== undefined],
    ['its start is in the journal', (name) => linesOf(name, 'outcome')],
  ];

  /** From here on a create is committed. */
  const COMMIT_AT = EFFECTS.findIndex(([what]) => what === 'its commit is in the journal');

  const look = async (name: string) => {
    const { vms, allocated_ips, reserved_nft_tokens, ...more } = await readLedger(
      host.at('var/lib/blockhost/vms.json'),
    );
    const { exitCode, stdout } = await host.libvirt.tryVirsh('domstate', '--domain', name);
    return {
      domain: exitCode === 0 ? stdout.trim() : 'absent',
      disk: existsSync(host.at(`var/lib/blockhost/vms/${name}.qcow2`)),
      volume: (await host.libvirt.virsh('vol-list', 'blockhost')).includes(`${name}.qcow2`),
      seeds: existsSync(host.at(`var/lib/blockhost/cloud-init/${name}`)),
      record: vms[name]?.status ?? 'absent',
      addresses: [allocated_ips.length, (more.allocated_ipv6 as string[]).length],
      tokens: Object.values(reserved_nft_tokens).filter((of) => (of as { vm_name: string }).vm_name === name).length,
      routes: Object.keys(await host.routes()).length,
    };
  };
  const ALL = {
    domain: 'running',
    disk: true,
    volume: true,
    seeds: true,
    record: 'active',
    addresses: [1, 1],
    tokens: 1,
    routes: 1,
  };
  const NOTHING = {
    domain: 'absent',
    disk: false,
    volume: false,
    seeds: false,
    record: 'absent',
    addresses: [0, 0],
    tokens: 0,
    routes: 0,
  };

  const killAt = async (
    name: string,
    seen: (name: string) => boolean | Promise<boolean>,
    laterMs: number,
  ): Promise<void> => {
    const program = repositoryPath('dist/bin/blockhost-vm-create.mjs');
    const argv = [program, name, '--owner-wallet', wallet, ...SMALL];
    const child = spawn(process.execPath, argv, { env: { ...process.env, ...host.env }, stdio: 'ignore' });
    const ended = once(child, 'exit');
    while (!(await seen(name))) {
      if (child.exitCode !== null) throw new Error(`the create of ${name} ended by itself`);
      await sleep(LOOK_EVERY_MS);
    }
    if (laterMs > 0) await sleep(laterMs);
    child.kill('SIGKILL');
    expect((await ended)[1]).toBe('SIGKILL');
  };

  /** The next life, of the daemon or of a create, and then the daemon in any case: a machine that is made is started by it. */
  const recover = async (name: string, byCreate: boolean): Promise<'all' | 'nothing'> => {
    const committed = linesOf(name, 'created');
    if (byCreate) {
      const again = await host.run('create', name, '--owner-wallet', wallet, ...SMALL);
      expect(again, again.err).toMatchObject({ exitCode: committed ? 1 : 0 });
    }
    const wanted = committed || byCreate ? ALL : NOTHING;
    await host.daemon.start();
    const settled = async () => JSON.stringify(await look(name)) === JSON.stringify(wanted);
    await until(`${name} is settled`, settled, { timeoutMs: 60_000, everyMs: 200 }).catch(() => undefined);
    expect(await look(name)).toEqual(wanted);
    expect(await host.daemon.stop()).toBe(0);
    return committed ? 'all' : 'nothing';
  };

  beforeAll(async () => {
    host = await openRealHost();
    wallet = host.chain.accounts[1] ?? '';
  }, 120_000);
  afterAll(() => host?.cleaner.clean(), 60_000);

  it('is all or nothing, for the daemon as for the next create (L4)', async () => {
    const momentsMs = fc.sample(fc.integer({ min: 1, max: LATER_MS }), { numRuns: EFFECTS.length, seed: CRASH_SEED });
    const points = EFFECTS.flatMap(([what, seen], at) =>
      [false, true].flatMap((byCreate) =>
        [0, momentsMs[at] ?? 0].map((laterMs) => ({ what, seen, byCreate, laterMs, committed: at >= COMMIT_AT })),
      ),
    );
    const drawn = sampleOf(points, points.length);
    const kinds = new Map(drawn.map((point) => [`${point.committed} ${point.byCreate}`, point]));
    const chosen = process.env.FULL ? drawn : [...kinds.values()];
    const verdicts = { all: 0, nothing: 0 };
    for (const [index, { what, seen, byCreate, laterMs }] of chosen.entries()) {
      const name = `box-${index}`;
      const where = `${laterMs} ms after ${what}, then the ${byCreate ? 'next create' : 'daemon'}`;
      await killAt(name, seen, laterMs);
      const verdict = await recover(name, byCreate).catch((error: unknown) => {
        throw new Error(`${where}, CRASH_SEED=${CRASH_SEED}: ${error}`);
      });
      console.info(`  ${where}: ${verdict}`);
      verdicts[verdict] += 1;
      if ((await look(name)).domain !== 'absent')
        expect(await host.run('destroy', name)).toMatchObject({ exitCode: 0 });
    }
    console.info(
      `create on a real host: ${chosen.length} of ${points.length} crash points, CRASH_SEED=${CRASH_SEED}: ${JSON.stringify(verdicts)}`,
    );
  }, 3_600_000);
});

import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLedger } from '../demo/ledger.ts';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { until } from '../lab/processes.ts';
import { openRealHost, type RealHost } from './real-host.ts';

/*
 * Journal and records of a real host are deleted, one machine of which runs and one of which is suspended: real libvirt with
 * our metadata in its domains, and a real chain, give them back to the daemon that ships.
 */

const SMALL = ['--memory', '256', '--disk', '1', '--username', 'customer', '--apply'];
const EMPTY = { vms: {}, next_vmid: 100, allocated_ips: [], allocated_ipv6: [], reserved_nft_tokens: {} };
/** Long enough to be made and known, short enough to wait for. */
const SOON_S = 25;

describe.skipIf(!namespacesAllowed())('a host whose journal and records are lost', () => {
  let host: RealHost;
  let wallet: string;

  const records = () => readLedger(host.at('var/lib/blockhost/vms.json'));
  const state = async (name: string) => (await host.libvirt.virsh('domstate', '--domain', name)).trim();
  const says = async (name: string, words: string) =>
    (await host.libvirt.virsh('dumpxml', '--domain', name, '--inactive')).includes(words);
  const lose = async (): Promise<void> => {
    const stateDir = host.at('var/lib/blockhost/provisioner');
    for (const file of await readdir(stateDir)) if (file.startsWith('journal')) await rm(join(stateDir, file));
    await writeFile(host.at('var/lib/blockhost/vms.json'), JSON.stringify(EMPTY));
  };
  const settled = (what: string, check: () => Promise<boolean>) =>
    until(what, check, { timeoutMs: 60_000, everyMs: 250 });

  beforeAll(async () => {
    host = await openRealHost();
    wallet = host.chain.accounts[1] ?? '';
    await host.daemon.start();
  }, 120_000);
  afterAll(() => host?.cleaner.clean(), 60_000);

  it('has them again from its domains and the chain, and nobody who paid has noticed', async () => {
    await host.chain.buy(wallet, 7200);
    const second = await host.chain.buy(wallet, SOON_S);
    const made = await host.run('create', 'blockhost-001', '--owner-wallet', wallet, ...SMALL);
    expect(made, made.err).toMatchObject({ exitCode: 0 });
    const other = await host.run('create', 'blockhost-002', '--owner-wallet', wallet, '--no-mint', ...SMALL);
    expect(other, other.err).toMatchObject({ exitCode: 0 });
    await settled('the second is suspended, and its domain says so', async () => {
      const { vms } = await records();
      return vms['blockhost-002']?.status === 'suspended' && says('blockhost-002', 'suspended="true"');
    });
    await settled('the domain of the first names its token', () => says('blockhost-001', 'nftMinted="true"'));
    const before = await records();
    const qemu = await host.libvirt.qemuPid('blockhost-001');
    expect(await host.daemon.stop()).toBe(0);
    await lose();
    await host.daemon.start();
    await settled('both are in the records again', async () => Object.keys((await records()).vms).length === 2);
    const { vms, allocated_ips, allocated_ipv6 } = await records();
    expect(vms['blockhost-001']).toMatchObject(lasting(before.vms['blockhost-001']));
    expect(vms['blockhost-002']).toMatchObject(lasting(before.vms['blockhost-002']));
    const suspended = (of: typeof before) => Date.parse(of.vms['blockhost-002']?.suspended_at ?? '');
    expect(suspended({ ...before, vms })).toBeGreaterThanOrEqual(suspended(before));
    expect([...allocated_ips].sort()).toEqual([...before.allocated_ips].sort());
    expect([...(allocated_ipv6 as string[])].sort()).toEqual([...(before.allocated_ipv6 as string[])].sort());
    expect([await state('blockhost-001'), await host.libvirt.qemuPid('blockhost-001')]).toEqual(['running', qemu]);
    expect(await state('blockhost-002')).toBe('shut off');

    await host.chain.extend(second.id, 7200);
    await settled(
      'the second runs again, for it was paid for',
      async () => (await state('blockhost-002')) === 'running',
    );
  }, 180_000);
});

/** What of a record can be had again: all but when it was suspended, and its number in a list that is gone. */
const lasting = (record: object | undefined): object => {
  const { suspended_at, vmid, purpose, nft_minted_at, ...rest } = (record ?? {}) as Record<string, unknown>;
  return rest;
};

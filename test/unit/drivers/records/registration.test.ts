import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSystemClock } from '../../../../src/drivers/clock/system-clock.ts';
import { createRecords } from '../../../../src/drivers/records/records.ts';
import { createModelLog } from '../../../models/model-log.ts';
import { alice, seedOf } from './records-contract.ts';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'registration-'));
  path = join(dir, 'vms.json');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const open = () => createRecords({ path, clock: createSystemClock(), log: createModelLog() });
const registration = { ...seedOf('blockhost-001', 10), status: 'active', nftTokenId: 2n ** 70n } as const;

it('a registration has every key that other programs read, in one write (interop §3)', async () => {
  await open().register(registration);
  const text = await readFile(path, 'utf8');
  expect(text).toContain(`"nft_token_id": ${2n ** 70n}`);
  expect(JSON.parse(text.replaceAll(`${2n ** 70n}`, '70'))).toEqual({
    vms: {
      'blockhost-001': {
        vm_name: 'blockhost-001',
        vmid: 0,
        ip_address: '192.168.122.10',
        ipv6_address: 'fd00::a',
        expires_at: '2027-01-15T08:00:00+00:00',
        owner: alice,
        status: 'active',
        created_at: '2023-11-14T22:13:20+00:00',
        purpose: '',
        wallet_address: alice,
        owner_wallet: alice,
        username: 'user',
        gecos_synced: true,
        network_mode: 'broker',
        nft_token_id: 70,
        nft_minted: false,
      },
    },
    next_vmid: 100,
    allocated_ips: ['192.168.122.10'],
    allocated_ipv6: ['fd00::a'],
    reserved_nft_tokens: {
      '70': { vm_name: 'blockhost-001', status: 'reserved', reserved_at: '2023-11-14T22:13:20+00:00' },
    },
  });
});

it('a registration that is taken back leaves every byte of the others in its place', async () => {
  const before = `{"vms": {"old":  {"status": "active", "vmid": 10000000000000000000001}},
 "next_vmid": 107, "allocated_ips": ["192.168.122.9"], "allocated_ipv6": [], "reserved_nft_tokens": {"3": {"x": 1.50}}, "theirs": [ 1 ]}\n`;
  await writeFile(path, before);
  const records = open();
  await records.register(registration);
  expect(await records.unregister(registration)).toBe(true);
  expect(await readFile(path, 'utf8')).toBe(before);
});

it('a reservation that the caller made himself stays his (interop §1)', async () => {
  const theirs = { vm_name: 'blockhost-001', status: 'reserved', reserved_at: '2020-01-01T00:00:00+00:00', note: 'x' };
  const start = { vms: {}, next_vmid: 100, allocated_ips: [], reserved_nft_tokens: { '5': theirs } };
  await writeFile(path, JSON.stringify(start));
  const records = open();
  const mine = { ...registration, nftTokenId: 5n };
  await records.register(mine);
  await records.unregister(mine);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ ...start, allocated_ipv6: [] });
});

import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../../../src/drivers/clock/system-clock.ts';
import { createRecords } from '../../../../src/drivers/records/records.ts';
import type { Records } from '../../../../src/ports/records.ts';
import { createModelRecords } from '../../../../src/simulator/models/model-records.ts';
import { until } from '../../../lab/processes.ts';
import { createModelLog } from '../../../models/model-log.ts';
import { alice, bob, describeRecords, seedOf } from './records-contract.ts';

let dir: string;
let path: string;
let log: ReturnType<typeof createModelLog>;
let records: Records;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'records-'));
  path = join(dir, 'vms.json');
  log = createModelLog();
  records = createRecords({ path, clock: createSystemClock(), log });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describeRecords('the file', async () => records);
describeRecords('the model', async () => createModelRecords());

/** Two seconds of patience pass in forty milliseconds. */
const hurriedClock = ((clock) => ({
  ...clock,
  monotonicMs: () => clock.monotonicMs() * 50,
  sleep: (ms: number) => clock.sleep(ms / 50),
}))(createSystemClock());

const isRoot = process.geteuid?.() === 0;
const record = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  vm_name: 'x',
  vmid: 0,
  ip_address: '192.168.122.7',
  ipv6_address: '',
  expires_at: '2026-11-21T03:05:35.932679+00:00',
  owner: alice,
  status: 'active',
  username: 'user',
  ...more,
});
const put = (vms: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<void> =>
  writeFile(path, JSON.stringify({ vms, next_vmid: 107, allocated_ips: [], ...more }, null, 2));

describe('what the records write', () => {
  it('begins a file that Python accepts, byte for byte', async () => {
    await records.restore(seedOf('blockhost-001', 10, { nftTokenId: 3n, nftMinted: true }));
    expect(await readFile(path, 'utf8')).toBe(`{
  "vms": {
    "blockhost-001": {
      "vm_name": "blockhost-001",
      "vmid": 0,
      "ip_address": "192.168.122.10",
      "ipv6_address": "fd00::a",
      "expires_at": "2027-01-15T08:00:00+00:00",
      "owner": "${alice}",
      "status": "active",
      "created_at": "2023-11-14T22:13:20+00:00",
      "purpose": "",
      "wallet_address": "${alice}",
      "owner_wallet": "${alice}",
      "username": "user",
      "network_mode": "broker",
      "gecos_synced": true,
      "nft_token_id": 3,
      "nft_minted": true
    }
  },
  "next_vmid": 100,
  "allocated_ips": [
    "192.168.122.10"
  ],
  "allocated_ipv6": [
    "fd00::a"
  ],
  "reserved_nft_tokens": {}
}`);
  });

  it('keeps every byte of what it does not change: unknown keys, order, huge and odd numbers, escapes, white space', async () => {
    const text = `{"10": 1.0, "zeta" : [ 1e400, -0, 12345678901234567890123 ],\n\t"vms": { "b":{"status":"active","x":1.50,
      "expires_at":"2026-01-01T00:00:00Z", "nested": {"expires_at": "2026-01-01T00:00:00"} , "é\\u00e9":"\\ud83d\\/" },
    "a" : {"status": "suspended" , "nft_token_id":9007199254740993 } } ,"__proto__": {"k": null}, "next_vmid":7,
    "allocated_ips":["1.2.3.4" ], "allocated_ipv6":[], "reserved_nft_tokens":{"9": {"status":"failed"}, "10":{}}}\n`;
    await writeFile(path, text);
    expect(await records.patch('b', { status: 'suspended' })).toBe(true);
    expect(await readFile(path, 'utf8')).toBe(text.replace('"b":{"status":"active"', '"b":{"status":"suspended"'));
    expect((await records.read('a'))?.nftTokenId).toBe(9007199254740993n);
  });

  it('writes the owner under all three names, and keeps the spelling of an address that is the same', async () => {
    await put({ a: record({ owner: alice.toUpperCase().replace('0X', '0x') }) });
    await records.patch('a', { owner: alice, gecosSynced: true });
    const { vms } = JSON.parse(await readFile(path, 'utf8'));
    expect(vms.a.owner).toBe(alice.toUpperCase().replace('0X', '0x'));
    expect([vms.a.wallet_address, vms.a.owner_wallet, vms.a.gecos_synced]).toEqual([alice, alice, true]);
    expect(await records.patch('a', { owner: bob })).toBe(true);
  });

  it('makes every naive date of every record aware when it writes at all', async () => {
    await put({
      a: record(),
      b: record({ expires_at: '2026-11-21T03:05:35.9', created_at: '2026-11-21 03:05', status: 'destroyed' }),
    });
    await records.patch('a', { status: 'suspended' });
    const { vms } = JSON.parse(await readFile(path, 'utf8'));
    expect(vms.b.expires_at).toBe('2026-11-21T03:05:35.900000+00:00');
    expect(vms.b.created_at).toBe('2026-11-21T03:05:00+00:00');
    expect(vms.a.expires_at).toBe('2026-11-21T03:05:35.932679+00:00');
  });

  it('rewrites a naive date that says the right instant, and leaves an aware one', async () => {
    await put({ a: record({ expires_at: '2026-11-21T03:05:35' }), b: record() });
    const expiresAtUnix = BigInt(Date.UTC(2026, 10, 21, 3, 5, 35) / 1000);
    expect(await records.patch('b', { expiresAtUnix })).toBe(false);
    expect(await records.patch('a', { expiresAtUnix })).toBe(true);
    expect(await records.patch('a', { expiresAtUnix })).toBe(false);
  });

  it('writes an expiry that no calendar holds as a date that Python can reckon with, once', async () => {
    await put({ a: record() });
    expect(await records.patch('a', { expiresAtUnix: 2n ** 256n - 1n })).toBe(true);
    expect(await records.patch('a', { expiresAtUnix: 2n ** 256n - 1n })).toBe(false);
    expect(await readFile(path, 'utf8')).toContain('"9000-12-31T23:59:59+00:00"');
  });

  it('finds an address in another spelling', async () => {
    await put({}, { allocated_ipv6: ['FD00:0::000A', 5] });
    expect(await records.claimAddresses('', 'fd00::a')).toBe(false);
    expect(await records.releaseAddresses('', 'fd00::a')).toBe(true);
    expect(JSON.parse(await readFile(path, 'utf8')).allocated_ipv6).toEqual([5]);
  });

  it.skipIf(!isRoot)('keeps owner and mode, and lets the others in where they were locked out (D26)', async () => {
    await put({ a: record() });
    await chown(dir, 4321, 4322);
    await chown(path, 1234, 2345);
    await chmod(path, 0o664);
    await records.patch('a', { status: 'suspended' });
    expect(await ownership(path)).toEqual([1234, 2345, 0o664]);
    await chown(path, 0, 0);
    await chmod(path, 0o600);
    await records.patch('a', { status: 'active' });
    expect(await ownership(path)).toEqual([4321, 4322, 0o660]);
    expect(await ownership(`${path}.lock`)).toEqual([4321, 4322, 0o660]);
    expect((await readdir(dir)).sort()).toEqual(['vms.json', 'vms.json.lock']);
  });
});

const ownership = async (file: string): Promise<readonly number[]> => {
  const { uid, gid, mode } = await stat(file);
  return [uid, gid, mode & 0o777];
};

describe('records that make no sense', () => {
  it('pass over the odd ones with one warning each, show the others, and keep the odd ones in the file', async () => {
    const odd = [
      5,
      null,
      [],
      'x',
      {},
      record({ status: 'gone' }),
      record({ expires_at: 'soon' }),
      record({ expires_at: 5 }),
      record({ owner: 7 }),
      record({ nft_token_id: 1.5 }),
      record({ nft_token_id: -1 }),
      record({ nft_minted: 'yes' }),
    ];
    await put({ good: record(), ...Object.fromEntries(odd.map((value, i) => [`odd-${i}`, value])), '-rf /': record() });
    for (let round = 0; round < 2; round += 1) expect((await records.list()).map(({ name }) => name)).toEqual(['good']);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(odd.length + 1);
    await records.patch('good', { status: 'suspended' });
    const { vms } = JSON.parse(await readFile(path, 'utf8'));
    expect(odd.map((_, i) => vms[`odd-${i}`])).toEqual(odd);
    await expect(records.patch('odd-0', { status: 'active' })).rejects.toThrow(
      '"vms.odd-0" is no record; mend'.split(';')[0],
    );
    expect(await records.restore(seedOf('odd-1', 9))).toBe(false);
  });

  it('fill what older programs leave out', async () => {
    await put({ a: { status: 'active', wallet_address: alice, ipv6_address: null, nft_token_id: null } });
    expect(await records.list()).toEqual([
      {
        name: 'a',
        status: 'active',
        ipAddress: '',
        ipv6Address: '',
        owner: alice,
        ownerWallet: alice,
        username: '',
        nftMinted: false,
      },
    ]);
    await records.patch('a', { status: 'suspended' });
    expect(JSON.parse(await readFile(path, 'utf8')).vms.a.ipv6_address).toBe('');
  });
});

describe('a file that cannot be read', () => {
  it.each([
    ['is not JSON', '{"vms": {'],
    ['is empty', ''],
    ['is empty', ' \n'],
    ['the top level is wrong', '[]'],
    ['"vms" is wrong', '{"vms": []}'],
    ['"allocated_ips" is wrong', '{"vms": {}, "allocated_ips": {}}'],
    ['"next_vmid" is wrong', '{"vms": {}, "next_vmid": "7"}'],
    ['is not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('is told in one sentence (%s), and never overwritten', async (what, text) => {
    await writeFile(path, text);
    records = createRecords({ path, clock: hurriedClock, log });
    await expect(records.list()).rejects.toMatchObject({
      name: 'RecordsError',
      message: expect.stringContaining(what),
    });
    await expect(records.restore(seedOf('a', 9))).rejects.toThrow(what);
    expect(await readFile(path)).toEqual(Buffer.from(text));
  });

  it('is waited for while its writer is at work', async () => {
    await writeFile(path, '');
    let waits = 0;
    const clock = createSystemClock();
    const sleep: typeof clock.sleep = (...of) => {
      waits += 1;
      return clock.sleep(...of);
    };
    records = createRecords({ path, clock: { ...clock, sleep }, log });
    const listed = records.list();
    await until('it was found half written twice', () => waits >= 2, { everyMs: 5 });
    await put({ a: record() });
    expect(await listed).toHaveLength(1);
  });

  it('is not followed through a symbolic link', async () => {
    await writeFile(join(dir, 'elsewhere'), '{}');
    await symlink(join(dir, 'elsewhere'), path);
    await expect(records.list()).rejects.toThrow('symbolic link');
    await expect(records.restore(seedOf('a', 9))).rejects.toThrow('symbolic link');
  });

  it('is no empty list where its directory is missing', async () => {
    await rm(dir, { recursive: true });
    await expect(records.list()).rejects.toMatchObject({ name: 'RecordsError', retryable: true });
  });
});

describe('a host with ten thousand machines', () => {
  it('is changed quickly', async () => {
    const vms = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`blockhost-${i}`, record({ purpose: 'p'.repeat(100) })]),
    );
    await put(vms);
    const timed = async (work: () => Promise<unknown>): Promise<number> => {
      const start = performance.now();
      await work();
      return Math.round(performance.now() - start);
    };
    const times = { listMs: 0, readMs: 0, patchMs: 0 };
    for (let round = 0; round < 3; round += 1) {
      times.listMs = await timed(() => records.list());
      times.readMs = await timed(() => records.read('blockhost-5000'));
      times.patchMs = await timed(() => records.patch('blockhost-5000', { expiresAtUnix: BigInt(round) }));
    }
    console.info(`vms.json of ${(await stat(path)).size} bytes:`, times);
    expect(times.patchMs).toBeLessThan(3_000);
  }, 30_000);
});

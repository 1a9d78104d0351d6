import { describe, expect, it } from 'vitest';
import { fromJson, toJson } from '../../../src/domain/journal/json.ts';

/* As it stands in files that have been written: what is read of it, to the last key, keeps its meaning for ever (L4). */

/** Loaded within each test: a schema that cannot even be built fails a test then, not only the file. */
const schemas = async () => ({
  ...(await import('../../../src/domain/journal/event.ts')),
  ...(await import('../../../src/domain/journal/memory.ts')),
});

const uuid = 'u';
const owner = '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1';
const subscription = { chainId: 1, contract: owner, subscriptionId: '7n' };
const details = {
  ipAddress: '192.0.2.7',
  ipv6Address: '2001:db8::7',
  owner: 'admin',
  username: 'customer',
  createdAtUnix: '5n',
  nftTokenId: '7n',
  nftMinted: true,
  disks: ['/vms/a.qcow2'],
  seeds: ['/vms/a.iso'],
  base: 'sha256:00',
};
const limits = {
  cpuShares: 1,
  cpuQuotaPercent: 2,
  bandwidthInKbps: 3,
  bandwidthOutKbps: 4,
  readIops: 5,
  writeIops: 6,
};
const read = {
  endpoint: 'rpc#1',
  expiresAtUnix: '9n',
  cancelled: true,
  blockNumber: '3n',
  blockHash: '0x3',
  readAtUnixMs: 4,
};
const basis = {
  row: 'grace-over',
  because: 'over',
  policyVersion: 1,
  observedAtUnixMs: 6,
  expiresAtUnix: '9n',
  levels: [{ level: 'head', expiresAtUnix: '9n', blockNumber: '3n', blockHash: '0x3', timestampUnix: '8n' }],
  blockNumber: '3n',
  blockHash: '0x3',
  witnesses: [read],
};
const block = { number: '3n', hash: '0x3', parentHash: '0x2' };
const cursor = { chainId: 1, ring: [block], finalized: block, nextIds: { '0xcc': '~8n' } };
const causes = ['expiry', 'owner', 'admin', 'crash', 'host'];

const events = [
  {
    kind: 'machine-known',
    uuid,
    name: 'vm',
    machineClass: { kind: 'bound', subscription },
    details,
    how: 'metadata',
  },
  { kind: 'machine-known', uuid, name: 'vm', machineClass: { kind: 'record-only' }, details, how: 'record' },
  { kind: 'create-begun', uuid, name: 'vm', machineClass: { kind: 'record-only' }, details, by: 'anna' },
  { kind: 'created', uuid, bootId: 'b' },
  { kind: 'create-undone', uuid, why: 'broken off' },
  { kind: 'details-changed', uuid, details },
  { kind: 'seen-running', uuid, bootId: 'b' },
  ...causes.map((cause) => ({ kind: 'seen-off', uuid, cause, bootId: 'b' })),
  { kind: 'expiry-read', uuid, expiresAtUnix: '9n' },
  { kind: 'witnessed', uuid, read },
  ...['suspend', 'destroy'].map((harm) => ({ kind: 'intent', uuid, step: 'destroy', harm, basis })),
  { kind: 'outcome', uuid, step: 'save', ok: false, durationMs: 7, error: 'no', curable: false },
  { kind: 'suspended', uuid, atUnixMs: 7 },
  { kind: 'suspension-over', uuid, why: 'paid again' },
  { kind: 'quarantined', uuid, untilUnixMs: 7 },
  { kind: 'readdressed', uuid, ipAddress: '192.0.2.8', ipv6Address: '2001:db8::8' },
  { kind: 'restored', uuid },
  { kind: 'purged', uuid },
  { kind: 'new-owner', uuid },
  { kind: 'login-begun', uuid },
  { kind: 'login-set', uuid, owner },
  { kind: 'link', uuid, up: false },
  { kind: 'hold', uuid, reason: 'r', by: 'anna', untilUnixMs: 7 },
  { kind: 'release', uuid, by: 'anna' },
  { kind: 'protect', uuid, reason: 'r', by: 'anna', untilUnixMs: 7 },
  { kind: 'unprotect', uuid, by: 'anna' },
  { kind: 'stopped-by-hand', uuid, by: 'anna' },
  { kind: 'started-by-hand', uuid, by: 'anna' },
  { kind: 'granted', uuid, untilUnix: '9n', by: 'anna' },
  { kind: 'destroy-ordered', uuid, by: 'anna', argv: ['vm-destroy', 'vm'], chain: 'paid' },
  { kind: 'limits-set', uuid, limits },
  { kind: 'limits-forgotten', uuid },
  { kind: 'ack', what: 'chain', by: 'anna' },
  { kind: 'breaker-tripped', harm: 'suspend', reason: 'many' },
  { kind: 'clock-jumped', byMs: -7 },
  { kind: 'chain-advanced', follower: 'f', cursor, derived: ['a transfer'] },
];

const machine = {
  uuid,
  name: 'vm',
  machineClass: { kind: 'bound', subscription },
  details,
  phase: 'present',
  run: { on: false, cause: 'owner', atUnixMs: 1, bootId: 'b' },
  suspending: {
    sinceUnixMs: 1,
    requests: 2,
    lastRequestUnixMs: 3,
    powerOffs: 4,
    lastPowerOffUnixMs: 5,
    saveFailed: true,
  },
  suspendedAtUnixMs: 2,
  lastExpiresAtUnix: '9n',
  grantUntilUnix: '10n',
  hold: { reason: 'r', by: 'anna', sinceUnixMs: 1, untilUnixMs: 2 },
  protect: { reason: 'r', by: 'anna', sinceUnixMs: 1, untilUnixMs: 2 },
  quarantine: { sinceUnixMs: 1, untilUnixMs: 2 },
  formerAddresses: { addresses: ['192.0.2.9'], stage: 'told' },
  adminStop: { by: 'anna', sinceUnixMs: 1 },
  ordered: { by: 'anna', sinceUnixMs: 1 },
  limits,
  loginOwner: owner,
  loginUnsure: true,
  newOwnerSinceUnixMs: 3,
  linkDownSinceUnixMs: 4,
  witnesses: [read],
  failures: { start: { count: 2, lastUnixMs: 1, message: 'no', curable: true } },
};
const state = {
  machines: Object.fromEntries(
    ['creating', 'present', 'destroying', 'quarantined', 'restoring', 'gone'].map((phase) => [
      phase,
      { ...machine, phase },
    ]),
  ),
  cursors: { f: cursor },
  harm: [{ kind: 'destroy', uuid, atUnixMs: 1 }],
  breaker: { suspend: { atUnixMs: 1, reason: 'many' } },
  clockDoubt: { atUnixMs: 1, byMs: -7 },
  chainAckUnixMs: 5,
};

describe('the journal’s format', () => {
  it.each(events)('an event is read to the last key: $kind', async (event) => {
    const { journalEventSchema } = await schemas();
    expect(toJson(journalEventSchema.parse(fromJson(event)))).toEqual(event);
  });

  it('a state that a compaction left is read to the last key', async () => {
    const { journalStateSchema } = await schemas();
    expect(toJson(journalStateSchema.parse(fromJson(state)))).toEqual(state);
  });

  it('a kind of event that no version of ours wrote is refused, and so is one that lacks something', async () => {
    const { journalEventSchema } = await schemas();
    expect(journalEventSchema.safeParse({ kind: 'renamed', uuid }).success).toBe(false);
    expect(journalEventSchema.safeParse({ kind: 'seen-running', uuid }).success).toBe(false);
    expect(journalEventSchema.safeParse({ kind: 'seen-off', uuid, cause: 'weather', bootId: 'b' }).success).toBe(false);
  });

  it('before its first event nothing is known, nothing is harmed and nobody has acknowledged anything', async () => {
    const { EMPTY_JOURNAL } = await schemas();
    expect(EMPTY_JOURNAL).toEqual({ machines: {}, cursors: {}, harm: [], breaker: {}, chainAckUnixMs: 0 });
  });

  it('an address is 20 bytes in lower case, and nothing around it', async () => {
    const { addressSchema } = await schemas();
    const isAddress = (value: unknown) => addressSchema.safeParse(value).success;
    expect(isAddress(owner)).toBe(true);
    for (const other of [
      owner.toUpperCase(),
      owner.slice(0, -1),
      `${owner}0`,
      ` ${owner}`,
      owner.slice(2),
      [owner],
      7n,
    ])
      expect(isAddress(other), String(other)).toBe(false);
  });
});

describe('a big integer in the file', () => {
  it('is its digits and an n, and nothing else is one', () => {
    expect(toJson({ a: [5n, -7n] })).toEqual({ a: ['5n', '-7n'] });
    expect(fromJson({ a: ['5n', '-7n'] })).toEqual({ a: [5n, -7n] });
    for (const text of ['5nm', 'x5n', '5', 'n', '-n']) {
      expect(toJson(text)).toBe(text);
      expect(fromJson(text)).toBe(text);
    }
  });

  it('is told from a text that looks like one by a mark, which reading takes off again', () => {
    expect(toJson(['5n', '~5n'])).toEqual(['~5n', '~~5n']);
    expect(fromJson(['~5n', '~~5n'])).toEqual(['5n', '~5n']);
  });
});

import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPaths } from '../../../src/config/paths.ts';
import { renderSeed } from '../../../src/domain/cloud-init/render-seed.ts';
import { BlockhostError, explain } from '../../../src/domain/errors.ts';
import { parseSamplePair } from '../../../src/domain/host-sample.ts';
import { createBaseNames, readManifest } from '../../../src/drivers/bases/base-files.ts';
import { createSystemClock } from '../../../src/drivers/clock/system-clock.ts';
import { readUserData } from '../../../src/drivers/cloud-init/templates.ts';
import { createRecords } from '../../../src/drivers/records/records.ts';
import { readKeyAddress } from '../../../src/drivers/signer/key-file.ts';
import { openOurJournal } from '../../../src/host/open-journal.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { createModelLog } from '../../models/model-log.ts';
import { spoiled } from '../../support/fuzz.ts';
import { ENV, load, WEB3 } from '../config/files.ts';

/* Files that a bad disk, another program or an enemy has been at: each is read, or refused with a sentence of ours. */

/** Nobody is going to finish these files: waiting for that costs no time. */
let waitedMs = 0;
const clock: Clock = {
  ...createSystemClock(),
  monotonicMs: () => waitedMs,
  sleep: async () => {
    waitedMs += 3000;
  },
};
const log = createModelLog();
let dir: string;
/** What a library tells past everybody; it may quote the file. */
const warnings: string[] = [];
process.on('warning', ({ message }) => void warnings.push(message));
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fuzz-files-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const put = async (name: string, text: string): Promise<string> => {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
};

const DB = `db_file: /var/lib/blockhost/vms.json
bridge: br0
ip_pool: {network: 192.168.122.0/24, start: 2, end: 254, gateway: 192.168.122.1}
gc_grace_days: 7
default_expiry_days: 30
`;
const OURS = `grace: 7d
policy:
  shutdown_patience: 90s
  backoff_first: 1s
chains: []
mint: {key_file: /etc/blockhost/key, max_fee_gwei: 100}
template: {size: 20G, packages: [htop]}
max_parallel_steps: 4
`;
const VMS = JSON.stringify(
  {
    vms: {
      'blockhost-007': {
        vm_name: 'blockhost-007',
        vmid: 100,
        ip_address: '192.168.122.7',
        ipv6_address: '2001:db8::7',
        expires_at: '2026-11-21T12:00:00+00:00',
        owner: `0x${'a1'.repeat(20)}`,
        status: 'active',
        nft_token_id: 7,
        nft_minted: true,
      },
    },
    allocated_ips: ['192.168.122.7'],
    allocated_ipv6: ['2001:db8::7'],
    reserved_nft_tokens: { 7: { vm_name: 'blockhost-007', status: 'minted' } },
    next_vmid: 101,
  },
  undefined,
  2,
);
const KEYSTORE = JSON.stringify({
  version: 3,
  address: 'a1'.repeat(20),
  crypto: { cipher: 'aes-128-ctr', ciphertext: 'ab'.repeat(32), kdf: 'scrypt', kdfparams: { n: 2, r: 8, p: 1 } },
});
const TEMPLATE = `#cloud-config
hostname: \${VM_NAME}
users: [{name: "$USERNAME", gecos: "wallet=\${WALLET_ADDRESS}", ssh_authorized_keys: \${SSH_KEYS}}]
runcmd: [[sh, -c, "echo $$HOME \${nothing"]]
`;
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const MANIFEST = JSON.stringify({
  schema: 1,
  digest: DIGEST,
  virtualSizeBytes: 21_474_836_480,
  boot: { kind: 'kernel', kernel: DIGEST, initrd: DIGEST, commandLine: 'root=/dev/vda ro' },
  source: 'packages of bookworm',
  builtAtUnix: 1_700_000_000,
  versions: { debian: '12.1' },
});
const machine = {
  uuid: '00000000-0000-4000-8000-000000000001',
  ours: true,
  state: 'running',
  ...{ vcpus: 1, cpuNs: 1, memoryTotalKib: 1, memoryUsedKib: 1, diskCapacityBytes: 1, readRequests: 1 },
  ...{ writeRequests: 1, readBytes: 1, writtenBytes: 1, receivedBytes: 1, sentBytes: 1, uptimeSeconds: 1 },
  agentConnected: true,
};
const SAMPLES = JSON.stringify({
  bootId: 'boot',
  baseline: { atMs: 1, machines: { a: machine } },
  latest: { atMs: 2000, machines: { a: machine } },
});
const EVENT = JSON.stringify({
  kind: 'machine-known',
  uuid: machine.uuid,
  name: 'blockhost-007',
  machineClass: { kind: 'record-only' },
  details: {
    ...{
      ipAddress: '192.168.122.7',
      ipv6Address: '',
      owner: 'somebody',
      username: 'user',
      createdAtUnix: '1700000000n',
    },
    ...{ nftTokenId: '7n', nftMinted: true, disks: ['/a'], seeds: [] },
  },
  how: 'record',
});

/** The link that makes any line follow the one before, so that what is in it is looked at. */
const linked = (line: string): string => {
  const first = `{"seq":1,"at":"2026-11-21T12:00:00.000Z","prev":"${'0'.repeat(32)}","events":[${EVENT}]}`;
  const prev = createHash('sha256').update(first).digest('hex').slice(0, 32);
  return `${first}\n{"seq":2,"at":"2026-11-21T12:00:01.000Z","prev":"${prev}","events":[${line}]}\n`;
};

const readJournal = async (text: string): Promise<void> => {
  const paths = { ...createPaths({ BLOCKHOST_ROOT: dir }), journal: await put('journal', text), stateDir: dir };
  const journal = await openOurJournal({ paths, clock, log });
  await journal.close();
};

const SEED_MACHINE = {
  ...{ uuid: machine.uuid, name: 'blockhost-007', mac: '52:54:00:00:00:01', ipv4: '192.168.122.7', ipv6: '' },
  ...{ username: 'user', wallet: `0x${'a1'.repeat(20)}`, nftTokenId: 7n, secretKey: '0'.repeat(64) },
};
const SETTINGS = {
  ...{ sshKeys: [], nameservers: [], ipv4Gateway: '192.168.122.1', otpLength: 6, otpTtlSeconds: 300, dnsZone: '' },
};

const READERS: Readonly<
  Record<string, { readonly right: string; readonly read: (text: string) => unknown; readonly refuses: boolean }>
> = {
  'db.yaml': { right: DB, read: (dbYaml) => load({ dbYaml }), refuses: true },
  'provisioner.yaml': { right: OURS, read: (provisionerYaml) => load({ provisionerYaml }), refuses: true },
  'web3-defaults.yaml': { right: WEB3, read: (web3Yaml) => load({ web3Yaml, engineEnv: ENV }), refuses: true },
  "the engine's .env": { right: ENV, read: (engineEnv) => load({ engineEnv, web3Yaml: WEB3 }), refuses: true },
  'engine.json': {
    right: '{"constraints": {"address_pattern": "^0x[0-9a-f]{40}$"}}',
    read: (engineManifest) => load({ engineManifest }),
    refuses: false,
  },
  'vms.json': {
    right: VMS,
    read: async (text) => {
      const records = createRecords({ path: await put('vms.json', text), clock, log });
      await records.list();
      await records.read('blockhost-007');
      await records.allocated();
      await records.patch('blockhost-007', { status: 'suspended' });
      await records.list();
    },
    refuses: true,
  },
  'a keystore': {
    right: KEYSTORE,
    read: async (text) => readKeyAddress({ keyFile: await put('key', text) }, log),
    refuses: true,
  },
  'a cloud-init template': {
    right: TEMPLATE,
    read: async (text) => {
      await put('template', text);
      const userData = await readUserData({ templateDirs: [dir], template: 'template' });
      const seed = renderSeed({ machine: SEED_MACHINE, settings: SETTINGS, userData });
      expect(typeof seed.userData).toBe('string');
    },
    refuses: false,
  },
  "a base's manifest": {
    right: MANIFEST,
    read: async (text) => {
      const names = createBaseNames(dir);
      await writeFile(names.manifest(DIGEST), text);
      return readManifest(names, DIGEST);
    },
    refuses: true,
  },
  'the journal': { right: linked(EVENT), read: readJournal, refuses: true },
  "a journal's event": { right: EVENT, read: (text) => readJournal(linked(text)), refuses: true },
  'samples.json': { right: SAMPLES, read: (text) => void parseSamplePair(text, 'boot'), refuses: false },
};

describe('a spoiled file', () => {
  it('is quoted in no warning of a library: a key that is a list', async () => {
    await expect(load({ dbYaml: '? [TOPSECRET, b]\n: 1' })).resolves.toBeDefined();
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  });

  it.each(Object.entries(READERS))(
    'is read or refused with a sentence of ours: %s',
    { timeout: 120_000 },
    async (_, { right, read, refuses }) => {
      await read(right);
      const seen = { read: 0, refused: 0 };
      await fc.assert(
        fc.asyncProperty(spoiled(right), async (text) => {
          try {
            await read(text);
            seen.read += 1;
          } catch (error) {
            if (!(error instanceof BlockhostError)) throw error;
            expect(explain(error)).toMatch(/^(\d+ problems in the configuration:(\n {2}[^\n]+)+|[^\n]+)$/);
            seen.refused += 1;
          }
        }),
        { numRuns: 300 },
      );
      expect(warnings).toEqual([]);
      expect(seen.read).toBeGreaterThan(0);
      expect(seen.refused > 20).toBe(refuses);
    },
  );
});

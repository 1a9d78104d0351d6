import { createDecipheriv } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { getBytes, Interface, keccak256 } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLedger } from '../demo/ledger.ts';
import { inside } from '../lab/guest.ts';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { until } from '../lab/processes.ts';
import { openRealHost, type RealHost } from './real-host.ts';

const SMALL = ['--memory', '256', '--disk', '1', '--username', 'customer'];
/** Many looks within every create; more of them would leave no processor to the guests. */
const NUDGE_EVERY_MS = 250;
const SIGNATURE = `0x${'5a'.repeat(65)}`;
const nft = new Interface(['function getUserEncrypted(uint256) view returns (bytes)']);

/** What the owner's wallet makes of it: AES-256-GCM under the hash of his signature (interop §2). */
const opened = (sealed: string): unknown => {
  const bytes = Buffer.from(getBytes(sealed));
  const cipher = createDecipheriv('aes-256-gcm', getBytes(keccak256(SIGNATURE)), bytes.subarray(0, 12));
  cipher.setAuthTag(bytes.subarray(-16));
  return JSON.parse(Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()]).toString());
};

// Where namespaces are refused there is no bridge to build on.
describe.skipIf(!namespacesAllowed())('blockhost-vm-create beside a daemon that looks all the time', () => {
  let host: RealHost;
  let wallet: string;
  let nudging: NodeJS.Timeout;

  const create = (name: string, ...more: string[]) =>
    host.run('create', name, '--owner-wallet', wallet, ...SMALL, '--apply', ...more);
  const record = async (name: string) => (await readLedger(host.at('var/lib/blockhost/vms.json'))).vms[name];
  const state = async (name: string) => (await host.libvirt.virsh('domstate', '--domain', name)).trim();
  const journal = async (name: string): Promise<string[]> => {
    const lines = (await readFile(host.at('var/lib/blockhost/provisioner/journal.ndjson'), 'utf8')).trim().split('\n');
    const events = lines.flatMap((line) => JSON.parse(line).events as { kind: string; uuid?: string; name?: string }[]);
    const uuids = new Set(
      events.flatMap(({ kind, name: of, uuid }) => (kind === 'create-begun' && of === name ? [uuid] : [])),
    );
    return events.filter(({ uuid }) => uuids.has(uuid)).map(({ kind }) => kind);
  };
  const alarms = () =>
    host.daemon
      .log()
      .filter(({ level }) => level === 'error' || level === 'fatal')
      .map(({ msg, fields }) => `${msg} ${JSON.stringify(fields)}`);

  beforeAll(async () => {
    host = await openRealHost();
    wallet = host.chain.accounts[1] ?? '';
    await host.daemon.start();
    nudging = setInterval(() => host.daemon.nudge(), NUDGE_EVERY_MS);
  }, 120_000);
  afterAll(async () => {
    clearInterval(nudging);
    await host?.cleaner.clean();
  }, 60_000);

  it('makes a machine that the daemon neither adopts half made nor takes back (L4)', async () => {
    await host.chain.buy(wallet, 7200);
    const done = await create('blockhost-001', '--no-mint');
    expect(done).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(done.out)).toMatchObject({ vm_name: 'blockhost-001', ip: '10.77.0.2' });
    expect(await state('blockhost-001')).toBe('running');
    const kinds = await journal('blockhost-001');
    expect(kinds.slice(0, 2)).toEqual(['create-begun', 'created']);
    expect(kinds).not.toContain('create-undone');
    expect(kinds.filter((kind) => kind === 'machine-known')).toEqual([]);
    const starts = host.libvirt
      .events()
      .filter(({ domain, detail }) => domain === 'blockhost-001' && detail === 'Started Booted');
    expect(starts).toHaveLength(1);
    expect(alarms()).toEqual([]);
  });

  it('mints by itself: token, owner and sealed details are on the chain and in the record (interop §2)', async () => {
    await host.chain.buy(wallet, 7200);
    const secret = `libpam-web3:${wallet}:nonce`;
    const done = await create('blockhost-002', '--user-signature', SIGNATURE, '--public-secret', secret);
    expect(done).toMatchObject({ exitCode: 0 });
    expect(done.err).not.toContain('warning');
    const { nft_token_id: tokenId, ipv6 } = JSON.parse(done.out);
    expect(await host.chain.ownerOf(BigInt(tokenId))).toBe(wallet);
    const data = nft.encodeFunctionData('getUserEncrypted', [tokenId]);
    const answer = await host.chain.rpc<string>('eth_call', [{ to: host.deployed.nft, data }, 'latest']);
    const [sealed] = nft.decodeFunctionResult('getUserEncrypted', answer);
    expect(opened(sealed)).toEqual({ hostname: ipv6, port: 22, username: 'customer' });
    expect(await record('blockhost-002')).toMatchObject({ nft_token_id: tokenId, nft_minted: true });
    const { reserved_nft_tokens } = await readLedger(host.at('var/lib/blockhost/vms.json'));
    expect(reserved_nft_tokens[String(tokenId)]).toMatchObject({ vm_name: 'blockhost-002', status: 'minted' });
    const named = async () =>
      (await inside(host.libvirt, 'blockhost-002').gecos()) === `wallet=${wallet.toLowerCase()},nft=${tokenId}`;
    await until('its guest names the token that was minted (D25)', named, { timeoutMs: 60_000, everyMs: 500 });
  });

  it('leaves a machine that is whole where the mint fails, and says how to mint it later', async () => {
    await host.chain.buy(wallet, 7200);
    await host.configure({ mint: { key_file: '/etc/blockhost/nowhere.key' } });
    const done = await create('blockhost-003');
    await host.configure();
    expect(done).toMatchObject({ exitCode: 0 });
    expect(done.err).toMatch(
      /warning: the credential of blockhost-003 was not minted: .*nowhere\.key.*blockhost-mint-nft/,
    );
    expect(await record('blockhost-003')).toMatchObject({ status: 'active', nft_minted: false });
  });

  it('two at once share nothing, and of one name one is made', async () => {
    const [four, five, again] = await Promise.all([
      create('four', '--no-mint'),
      create('five', '--no-mint'),
      create('five', '--no-mint'),
    ]);
    expect([four.exitCode, [five.exitCode, again.exitCode].sort()]).toEqual([0, [0, 1]]);
    const made = [four, five.exitCode === 0 ? five : again].map(({ out }) => JSON.parse(out));
    expect(new Set(made.map(({ ip }) => ip)).size).toBe(2);
    expect(new Set(made.map(({ ipv6 }) => ipv6)).size).toBe(2);
    expect(new Set(made.map(({ nft_token_id }) => nft_token_id)).size).toBe(2);
    for (const name of ['four', 'five']) {
      expect(await state(name)).toBe('running');
      expect(await host.run('destroy', name)).toMatchObject({ exitCode: 0 });
    }
  });

  it('whose subscription runs out is suspended by the daemon, and started again when it is paid (C5)', async () => {
    const sale = await host.chain.buy(wallet, 40); // it is made before that is over, on a busy machine as well
    expect(await create('blockhost-004', '--no-mint')).toMatchObject({ exitCode: 0 });
    const suspended = async () => (await record('blockhost-004'))?.status === 'suspended';
    await until('it is suspended', suspended, { timeoutMs: 120_000, everyMs: 200 });
    expect(await state('blockhost-004')).toBe('shut off');
    const { expiresAtUnix } = await host.chain.extend(sale.id, 7200);
    const active = async () => (await record('blockhost-004'))?.status === 'active';
    await until('it runs again', active, { timeoutMs: 60_000, everyMs: 200 });
    expect(await state('blockhost-004')).toBe('running');
    expect(Date.parse((await record('blockhost-004'))?.expires_at ?? '')).toBe(Number(expiresAtUnix) * 1000);
    expect(await state('blockhost-001')).toBe('running');
    expect(alarms().filter((alarm) => !alarm.includes('paid-but-gone'))).toEqual([]); // those that were destroyed by hand
  });

  it('is made by the daemon itself, with its credential, where it is paid for and missing (D13)', async () => {
    await host.configure({ policy: { on_missing: 'create', missing_after: '2s' }, sweep_every: '3s' });
    clearInterval(nudging);
    await host.daemon.stop();
    await host.daemon.start();
    const { id } = await host.chain.buy(wallet, 7200);
    const name = `blockhost-00${id}`;
    const active = async () => (await record(name))?.nft_minted === true;
    await until('it is made and its credential minted', active, { timeoutMs: 90_000, everyMs: 500 });
    expect(await state(name)).toBe('running');
    const tokenId = (await record(name))?.nft_token_id;
    expect(await host.chain.ownerOf(BigInt(Number(tokenId)))).toBe(wallet);
    expect(await journal(name)).toContain('created');
  });
});

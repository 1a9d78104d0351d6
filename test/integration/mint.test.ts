import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Interface } from 'ethers';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { createCredentials } from '../../src/drivers/signer/credentials.ts';
import type { MintRequest } from '../../src/ports/credentials.ts';
import { type AnvilLab, startAnvil } from '../lab/anvil.ts';
import type { Deployed } from '../lab/blockhost-chain.ts';
import { createModelLog } from '../models/model-log.ts';
import { bundle, run } from '../unit/cli/bundled.ts';

/** Key of anvil's first account, which owns the contracts. */
const ownerKey = 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const strangerKey = '59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';
const buyer = '0x00000000000000000000000000000000000b0b01';
const sealed = '0xc0ffee';

/** Without FULL=1, so many of the points at which a mint is killed, drawn by a seed that a failure names. */
const SAMPLE = 4;
const SEED = Number(process.env.CRASH_SEED ?? randomInt(2 ** 31));

const abi = new Interface([
  'function totalSupply() view returns (uint256)',
  'function ownerOf(uint256) view returns (address)',
  'function getUserEncrypted(uint256) view returns (bytes)',
  'function getAccessData(uint256) view returns (bytes, string, uint256, uint256)',
]);

let lab: AnvilLab;
let deployed: Deployed;
let dir: string;
let machine = 0;

const read = async (contract: string, method: string, args: unknown[] = []): Promise<unknown[]> => {
  const result = await lab.rpc<string>('eth_call', [
    { to: contract, data: abi.encodeFunctionData(method, args) },
    'latest',
  ]);
  return abi.decodeFunctionResult(method, result).toArray();
};
const supply = async (contract = deployed.nft): Promise<number> => Number((await read(contract, 'totalSupply'))[0]);

const minterWith = async (change: Record<string, unknown> = {}, key = ownerKey) => {
  const keyFile = join(dir, `key-${key.slice(0, 4)}`);
  await writeFile(keyFile, key, { mode: 0o600 });
  const log = createModelLog();
  const minter = createCredentials({
    clock: createSystemClock(),
    log,
    settings: {
      chainId: lab.chainId,
      contract: deployed.nft.toLowerCase() as `0x${string}`,
      endpoints: [lab.url],
      requestTimeoutMs: 3000,
      maxHeadAgeMs: 60_000,
      pollEveryMs: 50,
      confirmations: 1,
      stuckAfterMs: 60_000,
      giveUpAfterMs: 30_000,
      maxFeeGwei: 500,
      keyFile,
      directory: join(dir, 'mints'),
      ...change,
    },
  });
  return { ...minter, log };
};

const request = (change: Partial<MintRequest> = {}): MintRequest => {
  machine += 1;
  const machineId = `machine-${machine}`;
  return { machineId, owner: buyer, userEncrypted: sealed, publicSecret: '', expiresAtUnix: 0n, ...change };
};

const attemptOf = async (machineId: string) => {
  const name = (await readdir(join(dir, 'mints'))).find((file) => file.endsWith(`-${machineId}.json`));
  return JSON.parse(await readFile(join(dir, 'mints', name ?? ''), 'utf8'));
};

beforeAll(async () => {
  lab = await startAnvil({ blockTimeSeconds: 1 });
  deployed = await lab.deployBlockhost();
});
afterAll(() => lab?.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mint-'));
});

describe('a mint', () => {
  it('gives the owner a token with what was sealed for him, once however often it is asked for', async () => {
    const before = await supply();
    const asked = request();
    const { mint } = await minterWith();
    const minted = await mint(asked);
    expect(minted).toMatchObject({ tokenId: BigInt(before), already: false });
    expect(await read(deployed.nft, 'ownerOf', [minted.tokenId])).toEqual([expect.stringMatching(/b0b01$/i)]);
    expect(await read(deployed.nft, 'getUserEncrypted', [minted.tokenId])).toEqual([sealed]);
    const again = await (await minterWith()).mint({ ...asked, userEncrypted: '0xdead' });
    expect(again).toEqual({ ...minted, already: true });
    expect(await supply()).toBe(before + 1);
  });

  it('speaks the older contract’s form where that is what is there', async () => {
    const contract = deployed.legacyNft.toLowerCase();
    const { mint } = await minterWith({ contract });
    const secret = 'libpam-web3:0xabc:nonce';
    const { tokenId } = await mint(request({ publicSecret: secret, expiresAtUnix: 2_000_000_000n }));
    const [details, message, , expiresAt] = await read(contract, 'getAccessData', [tokenId]);
    expect({ details, message, expiresAt }).toEqual({ details: sealed, message: secret, expiresAt: 2_000_000_000n });
  });

  it('waits for as many blocks as are wanted', async () => {
    const { mint } = await minterWith({ confirmations: 3 });
    const { blockNumber } = await mint(request());
    expect(BigInt((await lab.head()).number) - blockNumber).toBeGreaterThanOrEqual(2n);
  });

  it('of one machine is one, and of several are several, when all are asked for at once', async () => {
    const before = await supply();
    const [one, two, three] = [request(), request(), request()];
    const tokens = await Promise.all(
      [one, one, two, three, one, two].map(async (asked) => (await minterWith()).mint(asked)),
    );
    expect(await supply()).toBe(before + 3);
    const [a, b, c, d, e, f] = tokens.map(({ tokenId }) => tokenId);
    expect([a, a, c]).toEqual([b, e, f]);
    expect(new Set([a, c, d]).size).toBe(3);
  });

  it('is refused, with the contract’s reason and before anything is sent, with somebody else’s key', async () => {
    const nonce = await lab.rpc('eth_getTransactionCount', [lab.accounts[1], 'latest']);
    const { mint, plan } = await minterWith({}, strangerKey);
    await expect(mint(request())).rejects.toThrow(/not that of the contract's owner/);
    await expect(plan(request())).rejects.toThrow(/not that of the contract's owner/);
    expect(await lab.rpc('eth_getTransactionCount', [lab.accounts[1], 'latest'])).toBe(nonce);
  });

  it('is refused to a wallet that is a contract without a place for tokens', async () => {
    const { mint } = await minterWith();
    const owner = deployed.subscriptions.toLowerCase() as `0x${string}`;
    await expect(mint(request({ owner }))).rejects.toThrow(/takes no tokens/);
  });

  it('is never sent to another chain, or where there is no contract (C7)', async () => {
    const before = await supply();
    await expect((await minterWith({ chainId: 1 })).mint(request())).rejects.toThrow(/on chain 31337, not on 1/);
    const contract = '0x00000000000000000000000000000000000000aa';
    await expect((await minterWith({ contract })).mint(request())).rejects.toThrow(/no contract at/);
    await expect((await minterWith({ maxHeadAgeMs: -60_000 })).mint(request())).rejects.toThrow(/newest block/);
    await expect((await minterWith({ endpoints: ['http://127.0.0.1:9/SECRETPATH'] })).mint(request())).rejects.toThrow(
      /^(?!.*SECRET).*does not answer/,
    );
    expect(await supply()).toBe(before);
  });

  it('asked for again for another owner is refused', async () => {
    const asked = request();
    await (await minterWith()).mint(asked);
    const owner = '0x00000000000000000000000000000000000b0b02';
    await expect((await minterWith()).mint({ ...asked, owner })).rejects.toThrow(/was asked for by/);
  });

  it('that is planned says what would be sent and sends nothing', async () => {
    const before = await supply();
    const planned = await (await minterWith()).plan(request());
    expect(planned).toMatchObject({ chainId: 31337, method: 'mint(address,bytes)', to: deployed.nft.toLowerCase() });
    expect(await supply()).toBe(before);
    await expect(readdir(join(dir, 'mints'))).rejects.toThrow(/ENOENT/);
  });
});

/** Blocks come only when asked for, until `body` has ended. */
const withoutBlocks = async (body: () => Promise<void>): Promise<void> => {
  await lab.rpc('evm_setIntervalMining', [0]);
  try {
    await body();
  } finally {
    await lab.rpc('evm_setIntervalMining', [1]);
  }
};

describe('a mint that is stuck', () => {
  it('is sent again with the same nonce and higher fees, and is one token in the end', async () => {
    const before = await supply();
    const asked = request();
    await withoutBlocks(async () => {
      const minting = (await minterWith({ stuckAfterMs: 200 })).mint(asked);
      await expect
        .poll(async () => (await attemptOf(asked.machineId)).sent.length, { timeout: 15_000 })
        .toBeGreaterThan(3);
      await lab.mine(2);
      expect((await minting).tokenId).toBe(BigInt(before));
    });
    const { sent } = await attemptOf(asked.machineId);
    const fees = sent.map(({ fees: { max } }: { fees: { max: string } }) => BigInt(max));
    expect(fees).toEqual([...fees].sort((a, b) => (a < b ? -1 : 1)));
    expect(new Set(fees).size).toBe(fees.length);
    expect(await supply()).toBe(before + 1);
  });

  it('stays under the cap, gives up waiting with a sentence, and is found when asked for again', async () => {
    const before = await supply();
    const asked = request();
    const settings = { stuckAfterMs: 100, giveUpAfterMs: 1000, maxFeeGwei: 4 };
    await withoutBlocks(async () => {
      await expect((await minterWith(settings)).mint(asked)).rejects.toThrow(/not deep enough/);
      const { sent } = await attemptOf(asked.machineId);
      for (const { fees } of sent) expect(BigInt(fees.max)).toBeLessThanOrEqual(4_000_000_000n);
    });
    expect((await (await minterWith()).mint(asked)).tokenId).toBe(BigInt(before));
    expect(await supply()).toBe(before + 1);
  });

  it('because another program used its nonce begins anew, behind that one', async () => {
    const before = await supply();
    const asked = request();
    await withoutBlocks(async () => {
      await expect((await minterWith({ giveUpAfterMs: 300 })).mint(asked)).rejects.toThrow(/not deep enough/);
      const { nonce, sent } = await attemptOf(asked.machineId);
      await lab.rpc('anvil_dropTransaction', [sent[0].txHash]);
      await lab.rpc('eth_sendTransaction', [
        { from: lab.accounts[0], to: buyer, value: '0x1', nonce: `0x${nonce.toString(16)}` },
      ]);
      await lab.mine(1);
    });
    const minted = await (await minterWith()).mint(asked);
    expect(minted.tokenId).toBe(BigInt(before));
    expect(await supply()).toBe(before + 1);
  });

  it('and lost by the node does not hold back the next one', async () => {
    const before = await supply();
    const [lost, next] = [request(), request()];
    await withoutBlocks(async () => {
      await expect((await minterWith({ giveUpAfterMs: 300 })).mint(lost)).rejects.toThrow(/not deep enough/);
      await lab.rpc('anvil_dropTransaction', [(await attemptOf(lost.machineId)).sent[0].txHash]);
    });
    await (await minterWith()).mint(next);
    expect((await (await minterWith()).mint(lost)).tokenId).toBe(BigInt(before));
    expect(await supply()).toBe(before + 2);
  });
});

describe('blockhost-mint-nft', () => {
  let program: string;
  beforeAll(async () => {
    program = await bundle(await mkdtemp(join(tmpdir(), 'mint-cli-')), { path: 'cli/blockhost-mint-nft.ts' });
  });

  const host = async (url: string): Promise<Record<string, string>> => {
    const etc = join(dir, 'etc', 'blockhost');
    await mkdir(etc, { recursive: true });
    await mkdir(join(dir, 'var', 'lib', 'blockhost'), { recursive: true });
    await writeFile(join(etc, 'db.yaml'), 'bridge: br0\n');
    await writeFile(join(etc, 'deployer.key'), ownerKey, { mode: 0o600 });
    const web3 = `blockchain: {chain_id: ${lab.chainId}, rpc_url: "${url}", nft_contract: "${deployed.nft}", subscription_contract: "${deployed.subscriptions}"}\n`;
    await writeFile(join(etc, 'web3-defaults.yaml'), web3);
    await writeFile(join(etc, 'provisioner.yaml'), 'poll_every: 100ms\nmint: {confirmations: 1}\n');
    return { BLOCKHOST_ROOT: dir };
  };
  const argv = (id: string, ...rest: string[]) => ['--owner-wallet', buyer, '--machine-id', id, ...rest];

  it('prints the token as its last line, all digits, and the same one when asked again', async () => {
    const before = await supply();
    const env = await host(lab.url);
    const first = await run(program, argv('cli-1', '--user-encrypted', '0xabcd'), env);
    expect(first).toMatchObject({ code: 0, stdout: `${before}\n` });
    expect(await run(program, argv('cli-1'), env)).toMatchObject({ code: 0, stdout: `${before}\n` });
    expect(await supply()).toBe(before + 1);
    expect(first.stderr + first.stdout).not.toContain(ownerKey.slice(0, 10));
  });

  it('says what a dry run would send, and sends nothing', async () => {
    const before = await supply();
    const { code, stdout } = await run(program, argv('cli-2', '--dry-run'), await host(lab.url));
    expect(code).toBe(0);
    expect(stdout).toContain('would send mint(address,bytes)');
    expect(await supply()).toBe(before);
  });

  it.each([
    [['--owner-wallet', '0x12', '--machine-id', 'a'], '--owner-wallet'],
    [['--owner-wallet', buyer], '--machine-id is missing'],
    [['--owner-wallet', buyer, '--machine-id', '../a'], '--machine-id'],
    [['--owner-wallet', buyer, '--machine-id', 'a', '--user-encrypted', 'zz'], '--user-encrypted'],
    [['--owner-wallet', buyer, '--machine-id', 'a', '--private-key', ownerKey], 'unknown option'],
    [['--machine-id', 'a'], '--owner-wallet'],
  ])('refuses %j in a sentence', async (args, names) => {
    const { code, stdout, stderr } = await run(program, args, await host(lab.url));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(names);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('killed at any of its calls to the node, before or after the node has it, mints one token when asked again', async () => {
    const { methods } = await killAt(Number.POSITIVE_INFINITY, 'before', 'undisturbed');
    const points = methods.flatMap((method, i) =>
      (['before', 'after'] as const).map((when) => ({ call: i + 1, when, name: `${when} ${method}` })),
    );
    const always = [
      'before eth_sendRawTransaction',
      'after eth_sendRawTransaction',
      'before eth_getTransactionReceipt',
    ];
    const first = always.flatMap((wanted) => points.find(({ name }) => name === wanted) ?? []);
    const others = fc.sample(fc.shuffledSubarray(points, { minLength: SAMPLE }), { numRuns: 1, seed: SEED })[0] ?? [];
    const chosen = process.env.FULL ? points : new Set([...first, ...others.slice(0, SAMPLE)]);
    const killed: string[] = [];
    for (const { call, when } of chosen) {
      await rm(join(dir, 'var'), { recursive: true, force: true });
      const before = await supply();
      const id = `killed-${when}-${call}`;
      const victim = await killAt(call, when, id);
      if (victim.killedIn !== undefined) killed.push(`${when} ${victim.killedIn}`);
      const { code, stdout } = await run(program, argv(id), await host(lab.url));
      expect({ SEED, call, when, code, stdout }).toEqual({ SEED, call, when, code: 0, stdout: `${before}\n` });
      expect(await supply()).toBe(before + 1);
    }
    console.info(`killed at ${killed.length} of ${points.length} points: ${killed.join(', ')}`);
    expect(killed).toContain('before eth_sendRawTransaction');
    expect(killed).toContain('after eth_sendRawTransaction');
    expect(killed).toContain('before eth_getTransactionReceipt');
  }, 300_000);

  /** Runs the program until its n-th call, and kills it there; tells which call that was. */
  const killAt = async (
    call: number,
    when: 'before' | 'after',
    id: string,
  ): Promise<{ killedIn?: string; methods: readonly string[] }> => {
    const methods: string[] = [];
    let killedIn: string | undefined;
    let kill = (): void => undefined;
    const server = createServer(async (incoming, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const body = Buffer.concat(chunks).toString();
      methods.push(JSON.parse(body).method);
      const mine = methods.length === call;
      if (mine) killedIn = methods.at(-1);
      if (mine && when === 'before') return kill();
      const answer = await fetch(lab.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      const text = await answer.text();
      if (mine) return kill();
      response.end(text);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const env = await host(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const child = spawn(process.execPath, [program, ...argv(id)], { env: { ...process.env, ...env }, stdio: 'ignore' });
    kill = () => void child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    server.closeAllConnections();
    server.close();
    return killedIn === undefined ? { methods } : { killedIn, methods };
  };
});

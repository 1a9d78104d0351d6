import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnvilLab, startAnvil } from '../../lab/anvil.ts';
import { buildPrograms, type Ended, runProgram } from '../../lab/programs.ts';

/* blockhost-mint-nft as engines call it (interop §2), on a real chain. */

/** Key of anvil's first account, which owns the contract. */
const KEY = 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const OWNER = '0x00000000000000000000000000000000000b0b01';

let directory = '';
let chain: AnvilLab;
const mint = (...argv: readonly string[]): Promise<Ended> =>
  runProgram('blockhost-mint-nft', argv, { cwd: directory, env: { BLOCKHOST_ROOT: directory } });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bh-mint-'));
  const [started] = await Promise.all([startAnvil({ blockTimeSeconds: 1, slotsInAnEpoch: 1 }), buildPrograms()]);
  chain = started;
  const { nft, subscriptions } = await chain.deployBlockhost();
  const etc = join(directory, 'etc/blockhost');
  await mkdir(etc, { recursive: true });
  await writeFile(join(etc, 'deployer.key'), KEY, { mode: 0o600 });
  const contracts = `nft_contract: "${nft}", subscription_contract: "${subscriptions}"`;
  const blockchain = `{ chain_id: ${chain.chainId}, rpc_url: "${chain.url}", ${contracts} }`;
  const deployer = '{ private_key_file: /etc/blockhost/deployer.key }';
  await writeFile(join(etc, 'web3-defaults.yaml'), `blockchain: ${blockchain}\ndeployer: ${deployer}\n`);
});
afterAll(async () => {
  await chain?.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('blockhost-mint-nft', () => {
  const argv = ['--owner-wallet', OWNER, '--machine-id', 'blockhost-001', '--user-encrypted', '0xc0ffee'];

  it('--dry-run says what would be sent, and sends nothing', async () => {
    const { exitCode, stdout, stderr } = await mint(...argv, '--dry-run');
    expect([stderr, exitCode, stdout]).toEqual([expect.any(String), 0, expect.stringMatching(/\S/)]);
    expect(stdout).not.toContain(KEY);
    await expect(chain.ownerOf(1n)).rejects.toThrow();
  });

  it('prints the token id as a last line that is purely numeric, and its owner has it', async () => {
    const { exitCode, stdout } = await mint(...argv);
    expect([exitCode, stdout.trimEnd().split('\n').at(-1)]).toEqual([0, '1']);
    expect((await chain.ownerOf(1n)).toLowerCase()).toBe(OWNER);
  }, 60_000);

  it('mints once however often it is asked for one machine', async () => {
    const { exitCode, stdout } = await mint(...argv);
    expect([exitCode, stdout.trimEnd().split('\n').at(-1)]).toEqual([0, '1']);
    await expect(chain.ownerOf(2n)).rejects.toThrow();
  });

  it('exits 1 with one sentence, and nothing on stdout, where no contract is configured', async () => {
    const settings = join(directory, 'etc/blockhost/web3-defaults.yaml');
    await writeFile(settings, 'blockchain: { chain_id: 1 }\n');
    const ended = await mint('--owner-wallet', OWNER, '--machine-id', 'blockhost-002');
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^blockhost-mint-nft: [^\n]+\n$/);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { Interface } from 'ethers';
import * as z from 'zod';
import type { RawReceipt, Transaction } from '../../lab/chain-calls.ts';
import { chainClient } from '../../lab/chain-client.ts';
import { jsonRpc } from '../../lab/json-rpc.ts';
import { startEngine } from './engine.ts';

/*
 * An engine as a program of its own, bundled into one file: what its service's environment file says, the host's own paths,
 * and a line of JSON for whatever there is to tell. Usage: engine.mjs older|newer
 */

const generation = z.enum(['older', 'newer']).parse(process.argv[2]);
const env = z.object({ RPC_URL: z.url(), BLOCKHOST_CONTRACT: z.string(), NFT_CONTRACT: z.string() }).parse(process.env);
const nft = new Interface([
  'function mint(address to, bytes userEncrypted) returns (uint256)',
  'event CredentialMinted(uint256 indexed tokenId, address indexed recipient)',
]);

const tell = (told: object): void => void process.stdout.write(`${JSON.stringify(told)}\n`);

const rpc = jsonRpc(env.RPC_URL);
const client = chainClient(rpc, 20_000);
const tokenOf = ({ logs }: RawReceipt): bigint => {
  const minted = logs.map((log) => nft.parseLog(log)).find((parsed) => parsed?.name === 'CredentialMinted');
  if (minted === undefined || minted === null) throw new Error('nothing was minted');
  return BigInt(minted.args.tokenId);
};
const mint = async (owner: string): Promise<bigint> => {
  const [from = ''] = await rpc<string[]>('eth_accounts');
  const data = nft.encodeFunctionData('mint', [owner, '0x']);
  const transaction: Transaction = { from, to: env.NFT_CONTRACT, data };
  return tokenOf(await client.mined(transaction));
};

const engine = await startEngine(generation, {
  ...{ rpc, contract: env.BLOCKHOST_CONTRACT, mint, env: {} },
  ...{ stateDir: '/var/lib/blockhost', manifest: '/usr/share/blockhost/provisioner.json' },
});
tell({ following: generation });
const told = { calls: 0, notes: 0, failures: 0, handled: 0 };
for (;;) {
  const now = { calls: engine.calls(), notes: engine.notes(), failures: engine.failures(), handled: engine.handled() };
  for (const call of now.calls.slice(told.calls)) tell({ call });
  for (const note of now.notes.slice(told.notes)) tell({ note });
  for (const failure of now.failures.slice(told.failures)) tell({ failure });
  // Last, so that all that led there has been told.
  if (now.handled > told.handled) tell({ handled: now.handled });
  Object.assign(told, {
    ...{ calls: now.calls.length, notes: now.notes.length },
    ...{ failures: now.failures.length, handled: now.handled },
  });
  await sleep(100);
}

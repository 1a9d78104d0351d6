import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { cacheDir, withCacheLock } from './cache.ts';
import { repositoryPath } from './repository.ts';

export type ContractName =
  | 'BlockhostSubscriptions'
  | 'CredentialNft'
  | 'LegacyCredentialNft'
  | 'Erc5643Nft'
  | 'Multicall3';

/** What solc makes of one contract. The ABI is plain JSON, for ethers and viem alike. */
export interface CompiledContract {
  readonly abi: readonly AbiEntry[];
  readonly bytecode: `0x${string}`;
}

export interface AbiEntry {
  readonly type: string;
  readonly name?: string;
}

const settings = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: 'cancun',
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
};

/** Compiles test/contracts/*.sol with npm's solc (about 3 s; after that it comes out of the cache). */
export async function compileContracts(): Promise<Record<ContractName, CompiledContract>> {
  const folder = repositoryPath('test/contracts');
  const sources = Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith('.sol'))
      .map((name) => [name, { content: readFileSync(join(folder, name), 'utf8') }]),
  );
  const input = JSON.stringify({ language: 'Solidity', sources, settings });
  const lockFile = readFileSync(repositoryPath('package-lock.json')); // pins solc and OpenZeppelin
  const digest = createHash('sha256').update(input).update(lockFile).digest('hex').slice(0, 16);
  const cached = join(cacheDir(), `contracts-${digest}.json`);
  if (!existsSync(cached)) {
    await withCacheLock('contracts', async () => {
      if (existsSync(cached)) return;
      writeFileSync(`${cached}.new`, JSON.stringify(pick(JSON.parse(await runSolc(input)))));
      renameSync(`${cached}.new`, cached);
    });
  }
  return JSON.parse(readFileSync(cached, 'utf8'));
}

interface SolcOutput {
  readonly errors?: readonly { severity: string; formattedMessage: string }[];
  readonly contracts?: Record<string, Record<string, { abi: AbiEntry[]; evm: { bytecode: { object: string } } }>>;
}

function pick({ errors = [], contracts = {} }: SolcOutput): Record<string, CompiledContract> {
  const fatal = errors.filter(({ severity }) => severity === 'error');
  if (fatal.length > 0) throw new Error(fatal.map(({ formattedMessage }) => formattedMessage).join('\n'));
  return Object.fromEntries(
    Object.entries(contracts)
      .filter(([file]) => !file.startsWith('@'))
      .flatMap(([, inFile]) => Object.entries(inFile))
      .map(([name, { abi, evm }]) => [name, { abi, bytecode: `0x${evm.bytecode.object}` }]),
  );
}

// In a worker: solc is seconds of WebAssembly, and loading it installs handlers in the process that loads it.
const worker = `
const { parentPort, workerData } = require('node:worker_threads');
const { readFileSync } = require('node:fs');
const solc = require(workerData.solc);
const find = (path) => {
  try { return { contents: readFileSync(workerData.modules + '/' + path, 'utf8') }; }
  catch (error) { return { error: error.message }; }
};
parentPort.postMessage(solc.compile(workerData.input, { import: find }));
`;

function runSolc(input: string): Promise<string> {
  const require = createRequire(repositoryPath('package.json'));
  const workerData = { input, solc: require.resolve('solc'), modules: repositoryPath('node_modules') };
  return new Promise((resolve, reject) => {
    const running = new Worker(worker, { eval: true, workerData });
    running.once('message', resolve);
    running.once('error', reject);
  });
}

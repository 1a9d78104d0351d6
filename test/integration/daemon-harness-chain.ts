import type { RpcProxy } from '../lab/rpc-proxy.ts';
import { startRpcProxy } from '../lab/rpc-proxy.ts';
import type { Bench } from './daemon-harness.ts';

/** Two ways to one chain, and what can be wrong with both of them. */
export interface Endpoints {
  readonly urls: readonly string[];
  readonly proxies: readonly RpcProxy[];
  all(fault: (proxy: RpcProxy) => Promise<void> | void): Promise<void>;
}

/** A secret for every place of a URL where one can stand. */
export const SECRETS = {
  user: 'project-77c1d2',
  password: 'Pa55-5ecr3t-9f3e',
  path: 'k3y1nThePath0f4e1b2c3d4e5f60718',
  query: 'k3y1nTheQuery8a7b6c5d4e3f2a1b0c9',
} as const;

const withSecrets = (url: string): string => {
  const { user, password, path, query } = SECRETS;
  return url.replace('http://', `http://${user}:${password}@`).concat(`/v3/${path}?apikey=${query}`);
};

/** The bench's chain under another chain id, so that one daemon can follow many chains at once, each with its own fault. */
export const openEndpoints = async (bench: Bench, chainId: number): Promise<Endpoints> => {
  const renamed = await startRpcProxy(bench.chain.url);
  bench.cleaner.defer('RPC proxy', () => renamed.stop());
  const hex = `0x${chainId.toString(16)}`;
  renamed.tamper((method, result) => (method === 'eth_chainId' ? hex : result));
  const proxies = await Promise.all([startRpcProxy(renamed.url), startRpcProxy(renamed.url)]);
  for (const proxy of proxies) bench.cleaner.defer('RPC proxy', () => proxy.stop());
  return {
    proxies,
    urls: proxies.map(({ url }) => withSecrets(url)),
    all: async (fault) => {
      for (const proxy of proxies) await fault(proxy);
    },
  };
};

const BLOCK_METHODS = ['eth_getBlockByNumber', 'eth_getBlockByHash'];

/** Block times are wrong by so many seconds: the same gap as that of a wall clock which is wrong the other way. */
export const shiftTimes =
  (seconds: number) =>
  (proxy: RpcProxy): void =>
    proxy.tamper((method, result) => {
      if (!BLOCK_METHODS.includes(method) || typeof result !== 'object' || result === null) return result;
      const { timestamp } = result as { timestamp: string };
      return { ...result, timestamp: `0x${(Number(timestamp) + seconds).toString(16)}` };
    });

/** Logs whose data is cut short: no version of the contract writes such. */
export const cutLogs = (proxy: RpcProxy): void =>
  proxy.tamper((method, result) =>
    method === 'eth_getLogs' && Array.isArray(result) ? result.map((log) => ({ ...log, data: '0x1234' })) : result,
  );

import { type Config, loadConfig } from '../../../src/config/load.ts';
import { createPaths, type Paths } from '../../../src/config/paths.ts';
import { ConfigError } from '../../../src/domain/errors.ts';

export const CONTRACT = `0x${'a1'.repeat(20)}`;
export const NFT = `0x${'b2'.repeat(20)}`;
export const OTHER = `0x${'c3'.repeat(20)}`;

/** What a configured host of today has. */
export const ENV = `RPC_URL=https://one.example/v3/abcdefghijklmnop\nBLOCKHOST_CONTRACT=${CONTRACT}\nNFT_CONTRACT=${NFT}\n`;
export const WEB3 = `blockchain:\n  chain_id: 11155111\n  rpc_url: "https://two.example"\n  nft_contract: "${NFT}"\n`;
/** What the host's package ships before anybody has configured anything. */
export const WEB3_TEMPLATE =
  'blockchain:\n  chain_id: 11155111\n  nft_contract: ""\n  rpc_url: "https://public.example"\n';

export type Texts = Partial<Record<keyof Paths, string>>;

/** Loads from texts in memory, named by the key of `Paths`. */
export const load = (texts: Texts, env: Record<string, string> = {}): Promise<Config> => {
  const paths = createPaths(env);
  const byPath = new Map(Object.entries(texts).map(([key, text]) => [paths[key as keyof Paths], text]));
  return loadConfig({
    paths,
    env,
    readFile: async (path) => {
      const text = byPath.get(path);
      return text === undefined ? { kind: 'absent' } : { kind: 'text', text };
    },
  });
};

/** The message of the ConfigError that loading ends in. */
export const faults = async (texts: Texts): Promise<string> => {
  try {
    await load(texts);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('this configuration was accepted');
};

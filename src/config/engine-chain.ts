import type { Address } from '../domain/identity.ts';
import type { BlockhostFile, EngineEnv, Web3File } from './contract-schema.ts';
import type { Paths } from './paths.ts';
import type { Problems } from './problems.ts';

/** The one chain that the engine and the installer configure, as far as their files say. */
export interface EngineChain {
  readonly chainId: number | undefined;
  readonly rpcUrl: string | undefined;
  readonly subscriptions: Address | undefined;
  readonly nft: Address | undefined;
  /**
   * Has anybody chosen a chain? Host packages ship web3-defaults.yaml with a chain id and a public endpoint but without a
   * contract; those two alone configure nothing.
   */
  readonly chosen: boolean;
}

export interface EngineFiles {
  readonly env: EngineEnv;
  readonly web3: Web3File;
  readonly blockhost: BlockhostFile;
}

/** Merges the engine's files: its own environment before blockhost.yaml before web3-defaults.yaml; warns where they differ. */
export const readEngineChain = (
  { env, web3, blockhost }: EngineFiles,
  paths: Paths,
  problems: Problems,
): EngineChain => {
  const pick = <T>(what: string, ...claims: readonly Claim<T>[]): T | undefined => {
    const made = claims.filter((claim) => claim.value !== undefined);
    const [first] = made;
    for (const other of made.slice(1)) {
      if (first !== undefined && other.value !== first.value) {
        problems.warn(other.file, `${what} differs from the one in ${first.file}, which counts`);
      }
    }
    return first?.value;
  };
  const { engineEnv, web3Yaml, blockhostYaml } = paths;
  const subscriptions = pick<Address>(
    'the subscription contract',
    { file: engineEnv, value: env.BLOCKHOST_CONTRACT },
    { file: blockhostYaml, value: blockhost.contract_address },
    { file: web3Yaml, value: web3.blockchain?.subscription_contract ?? web3.subscription_contract },
  );
  const nft = pick<Address>(
    'the NFT contract',
    { file: engineEnv, value: env.NFT_CONTRACT },
    { file: web3Yaml, value: web3.blockchain?.nft_contract ?? web3.nft_contract },
  );
  const chosen = subscriptions !== undefined || nft !== undefined || env.RPC_URL !== undefined;
  return {
    chainId: web3.blockchain?.chain_id ?? web3.chain_id,
    // An endpoint that differs is no contradiction: both lead to the same chain, or the chain id says so.
    rpcUrl: env.RPC_URL ?? web3.blockchain?.rpc_url ?? web3.rpc_url,
    subscriptions,
    nft,
    chosen,
  };
};

interface Claim<T> {
  readonly file: string;
  readonly value: T | undefined;
}

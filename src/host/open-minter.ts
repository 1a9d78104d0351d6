import type { Config } from '../config/load.ts';
import type { Paths } from '../config/paths.ts';
import { ConfigError } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Minter } from '../ports/minter.ts';

export interface MinterOptions {
  readonly config: Config;
  readonly paths: Paths;
  readonly clock: Clock;
  readonly log: Log;
  /** Stand instead of what configuration says. */
  readonly keyFile?: string;
  readonly passwordFile?: string;
}

/** The first chain that has a credential contract. Throws `ConfigError` where none has; loads ethers only then. */
export const openMinter = async ({ config, paths, clock, log, ...given }: MinterOptions): Promise<Minter> => {
  const chain = config.chains.find(({ credentialNft }) => credentialNft !== undefined);
  if (chain?.credentialNft === undefined) {
    throw new ConfigError('no credential contract is configured, so nothing can be minted', {
      code: 'CONFIG_INVALID',
      retryable: false,
      hint: `set blockchain.nft_contract in ${paths.web3Yaml}`,
    });
  }
  const { createMinter } = await import('../drivers/signer/minter.ts');
  const passwordFile = given.passwordFile ?? config.mint.passwordFile;
  const settings = {
    ...config.mint,
    keyFile: given.keyFile ?? config.mint.keyFile,
    ...(passwordFile === undefined ? {} : { passwordFile }),
    chainId: chain.chainId,
    contract: chain.credentialNft,
    endpoints: chain.endpoints.map(({ url }) => url),
    requestTimeoutMs: chain.requestTimeoutMs,
    maxHeadAgeMs: chain.maxHeadAgeMs,
    pollEveryMs: chain.pollEveryMs,
    directory: paths.mintsDir,
  };
  return createMinter({ settings, clock, log });
};

import type { Wallet } from 'ethers';
import { MintError } from '../../domain/errors.ts';
import type { Address } from '../../domain/identity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MintRequest } from '../../ports/minter.ts';
import type { AttemptKey, Attempts } from './attempts.ts';
import type { KeyPlace } from './key-file.ts';
import { createRpc, type Rpc, requireSaneNode } from './rpc.ts';

export interface MintSettings extends KeyPlace {
  readonly chainId: number;
  /** The credential NFT. */
  readonly contract: Address;
  /** Asked in this order; the first that is sane serves the whole mint. */
  readonly endpoints: readonly string[];
  readonly requestTimeoutMs: number;
  readonly maxHeadAgeMs: number;
  readonly pollEveryMs: number;
  readonly confirmations: number;
  readonly stuckAfterMs: number;
  readonly giveUpAfterMs: number;
  readonly maxFeeGwei: number;
  /** Where attempts are remembered. */
  readonly directory: string;
}

/** One mint at work. */
export interface Session {
  readonly settings: MintSettings;
  readonly rpc: Rpc;
  readonly attempts: Attempts;
  readonly clock: Clock;
  readonly log: Log;
  /** Read on first use, and once: a keystore takes a second or two to open. */
  readonly wallet: () => Promise<Wallet>;
}

export const keyOf = ({ chainId, contract }: MintSettings, { machineId }: MintRequest): AttemptKey => ({
  chainId,
  contract,
  machineId,
});

/** The first endpoint that is on the configured chain, alive, and has the contract (C7). Throws what the last one lacks. */
export const findSaneNode = async (settings: MintSettings, clock: Clock): Promise<Rpc> => {
  let last = new MintError('no endpoint is configured', { code: 'wrong-node', retryable: false });
  for (const url of settings.endpoints) {
    const rpc = createRpc(url, settings.requestTimeoutMs);
    try {
      await requireSaneNode(rpc, settings, clock.nowUnixMs());
      return rpc;
    } catch (error) {
      last =
        error instanceof MintError
          ? error
          : new MintError('the node refuses to be asked', { code: 'wrong-node', retryable: true });
    }
  }
  throw last;
};

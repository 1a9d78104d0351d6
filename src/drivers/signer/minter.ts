import type { Wallet } from 'ethers';
import { MintError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Minter, MintRequest } from '../../ports/minter.ts';
import { createAttempts } from './attempts.ts';
import { awaitToken, mintedOf } from './await-token.ts';
import { beginAttempt } from './begin-attempt.ts';
import { suggestFees } from './fees.ts';
import { readKey, readKeyAddress } from './key-file.ts';
import { findMintCall } from './mint-contract.ts';
import { latestHead, quantity, type Rpc } from './rpc.ts';
import { findSaneNode, keyOf, type MintSettings, type Session } from './session.ts';

export interface MinterDeps {
  readonly settings: MintSettings;
  readonly clock: Clock;
  readonly log: Log;
}

/** Somebody else may use the same key now and then; if that goes on, it is a mistake. */
const MOST_ATTEMPTS = 3;

export const createMinter = ({ settings, clock, log }: MinterDeps): Minter => {
  const attempts = createAttempts(settings.directory);
  let opened: Promise<Wallet> | undefined;
  const wallet = (): Promise<Wallet> => {
    opened ??= readKey(settings, log);
    return opened;
  };
  const session = (rpc: Rpc): Session => ({ settings, rpc, attempts, clock, log, wallet });

  const before = async (request: MintRequest) => {
    const found = await attempts.read(keyOf(settings, request));
    return found?.token === undefined || found.owner !== request.owner ? undefined : mintedOf(found.token, true);
  };

  return {
    mint: async (request, signal) => {
      const done = await before(request);
      if (done !== undefined) return done;
      const at = session(await findSaneNode(settings, clock));
      for (let tries = 0; tries < MOST_ATTEMPTS; tries += 1) {
        await beginAttempt(at, request);
        const minted = await awaitToken(at, request, signal);
        if (minted !== 'nonce-taken') return minted;
        log.warn({ vm: request.machineId }, 'another program sent with the same key; the mint begins anew');
      }
      throw new MintError('another program keeps sending with the same key', {
        code: 'nonce-taken',
        retryable: true,
        hint: 'let one program at a time use it',
      });
    },
    plan: async (request) => {
      const done = await before(request);
      if (done !== undefined) return done;
      const rpc = await findSaneNode(settings, clock);
      const from = await readKeyAddress(settings, log);
      const { method, gas } = await findMintCall(rpc, from, settings.contract, request);
      const nonce = await rpc(quantity, 'eth_getTransactionCount', [from, 'pending']);
      const { max } = await suggestFees(rpc, await latestHead(rpc));
      const { chainId, contract: to } = settings;
      return { chainId, from, to, method, nonce: Number(nonce), gas, cost: gas * max };
    },
  };
};

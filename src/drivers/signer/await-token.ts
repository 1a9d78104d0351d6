import { MintError } from '../../domain/errors.ts';
import type { Address } from '../../domain/identity.ts';
import type { Minted, MintRequest } from '../../ports/minter.ts';
import type { Attempt } from './attempts.ts';
import { bumpFees, capOf, suggestFees } from './fees.ts';
import { addressOf } from './key-file.ts';
import { lookForMint, type Sight } from './look-for-mint.ts';
import { mintedToken, whyReverted } from './mint-contract.ts';
import { latestHead } from './rpc.ts';
import { send, sign } from './send.ts';
import { keyOf, type Session } from './session.ts';

/** An attempt this old may be forgotten by the node's own pruning: then nobody can say that it came to nothing. */
const OLDEST_TO_REPLACE_MS = 24 * 3_600_000;

/**
 * Waits until the token of an attempt lies deep enough, and sends the same transaction with a higher fee where it is stuck.
 * `nonce-taken`: somebody else used the key, nothing will come of this attempt, and it has been set aside.
 */
export const awaitToken = async (
  session: Session,
  request: MintRequest,
  signal: AbortSignal | undefined,
): Promise<Minted | 'nonce-taken'> => {
  const { attempts, clock, settings, rpc } = session;
  const deadline = clock.monotonicMs() + settings.giveUpAfterMs;
  let takenAt: bigint | undefined;
  for (;;) {
    const attempt = await attempts.read(keyOf(settings, request));
    if (attempt === undefined) throw pending(request, 'was given up meanwhile');
    if (attempt.token !== undefined) return mintedOf(attempt.token, false);
    const sight = await lookForMint(rpc, attempt).catch((error: unknown) => unseen(session, error));
    if (sight.kind === 'mined') {
      const token = await settle(session, attempt, sight);
      if (token !== undefined) return token;
    }
    if (sight.kind === 'waiting') await nudge(session, request);
    takenAt = sight.kind === 'nonce-taken' ? (takenAt ?? sight.head) : undefined;
    if (sight.kind === 'nonce-taken' && sight.head > (takenAt ?? sight.head) + BigInt(settings.confirmations)) {
      await giveUp(session, attempt);
      return 'nonce-taken';
    }
    if (clock.monotonicMs() > deadline) throw pending(request, `is not deep enough in the chain yet`);
    await clock.sleep(settings.pollEveryMs, signal);
  }
};

export const mintedOf = (token: NonNullable<Attempt['token']>, already: boolean): Minted => ({
  tokenId: BigInt(token.tokenId),
  txHash: token.txHash,
  blockNumber: BigInt(token.blockNumber),
  already,
});

/** The token, once it is deep enough. Throws where the contract refused after all; the next attempt gets a new nonce. */
const settle = async (
  { attempts, rpc, settings }: Session,
  attempt: Attempt,
  { receipt, depth }: Extract<Sight, { kind: 'mined' }>,
): Promise<Minted | undefined> => {
  if (depth < BigInt(settings.confirmations)) return undefined;
  const { blockNumber, transactionHash: txHash } = receipt;
  if (receipt.status === 0n) {
    await attempts.withLock(() => attempts.setAside(attempt));
    const { signer: from, contract: to, data, gas } = attempt;
    throw await whyReverted(rpc, { from, to, data, gas: `0x${BigInt(gas).toString(16)}` }, blockNumber);
  }
  const tokenId = mintedToken(receipt.logs, settings.contract, attempt.owner as Address);
  if (tokenId === undefined) {
    throw new MintError(`transaction ${txHash} succeeded and left no token`, {
      code: 'mint-unclear',
      retryable: false,
      hint: 'look at it on the chain: this contract is not what configuration takes it for',
    });
  }
  const token = { tokenId: String(tokenId), txHash, blockNumber: String(blockNumber) };
  await attempts.withLock(async () => {
    const now = await attempts.read(attempt);
    if (now?.nonce === attempt.nonce) await attempts.write({ ...now, token });
  });
  return mintedOf(token, false);
};

/** What waits for too long is sent again, the same one with a higher fee; under the lock, so that only one does it. */
const nudge = async (session: Session, request: MintRequest): Promise<void> => {
  const { attempts, clock, settings, rpc, log } = session;
  const isStuck = (attempt: Attempt | undefined): attempt is Attempt =>
    attempt !== undefined &&
    attempt.token === undefined &&
    clock.nowUnixMs() - (attempt.sent.at(-1)?.atUnixMs ?? 0) >= settings.stuckAfterMs;
  const key = keyOf(settings, request);
  if (!isStuck(await attempts.read(key))) return;
  const wallet = await session.wallet();
  await attempts
    .withLock(async () => {
      const attempt = await attempts.read(key);
      const last = attempt?.sent.at(-1);
      if (!isStuck(attempt) || last === undefined) return;
      const suggested = await suggestFees(rpc, await latestHead(rpc));
      const fees = bumpFees({ ...last.fees, priority: last.fees.priority }, suggested, capOf(settings.maxFeeGwei));
      if (fees === undefined || addressOf(wallet) !== attempt.signer) {
        log.warn({ vm: request.machineId, txHash: last.txHash }, 'a mint is stuck and may not offer more');
        await send(rpc, attempt);
        return;
      }
      const bumped = { ...attempt, sent: [...attempt.sent, await sign(wallet, attempt, fees, clock.nowUnixMs())] };
      await attempts.write(bumped);
      await send(rpc, bumped);
    })
    .catch((error: unknown) => unseen(session, error));
};

const giveUp = async ({ attempts, clock }: Session, attempt: Attempt): Promise<void> => {
  if (clock.nowUnixMs() - attempt.begunAtUnixMs < OLDEST_TO_REPLACE_MS) {
    await attempts.withLock(() => attempts.setAside(attempt));
    return;
  }
  throw new MintError(`the mint for ${attempt.machineId} was begun long ago and cannot be found any more`, {
    code: 'mint-unclear',
    retryable: false,
    hint: `look for ${attempt.sent.at(-1)?.txHash} on the chain; remove its file only if there is no token`,
  });
};

/** A node that says nothing for a while is no reason to stop waiting. */
const unseen = ({ log }: Session, error: unknown): { readonly kind: 'unseen' } => {
  log.warn({ err: error }, 'the chain cannot be seen while a mint is under way');
  return { kind: 'unseen' };
};

const pending = ({ machineId }: MintRequest, what: string): MintError =>
  new MintError(`the mint for ${machineId} ${what}`, {
    code: 'mint-pending',
    retryable: true,
    hint: 'ask again: it goes on waiting for the same transaction',
  });

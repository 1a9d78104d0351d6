import { MintError } from '../../domain/errors.ts';
import type { Address } from '../../domain/identity.ts';
import type { MintRequest } from '../../ports/minter.ts';
import type { Attempt } from './attempts.ts';
import { capOf, suggestFees, withinCap } from './fees.ts';
import { addressOf } from './key-file.ts';
import { findMintCall } from './mint-contract.ts';
import { latestHead, quantity } from './rpc.ts';
import { send, sign } from './send.ts';
import { keyOf, type Session } from './session.ts';

/**
 * The attempt to mint this machine's token: the one that was begun before, sent once more, or a new one, on disk before it
 * is sent (L4). Whoever asks at the same time waits here and finds it.
 */
export const beginAttempt = async (session: Session, request: MintRequest): Promise<Attempt> => {
  const key = keyOf(session.settings, request);
  const before = await session.attempts.read(key);
  // Outside of the lock: opening a keystore is slow.
  if (before === undefined) await session.wallet();
  return session.attempts.withLock(async () => {
    const found = await session.attempts.read(key);
    if (found !== undefined) requireSameOwner(found, request);
    const attempt = found ?? (await prepare(session, request));
    if (found === undefined) await session.attempts.write(attempt);
    if (attempt.token === undefined) await send(session.rpc, attempt);
    return attempt;
  });
};

const prepare = async (session: Session, request: MintRequest): Promise<Attempt> => {
  const { rpc, settings, clock } = session;
  const wallet = await session.wallet();
  const signer = addressOf(wallet);
  const { data, gas } = await findMintCall(rpc, signer, settings.contract, request);
  const head = await latestHead(rpc);
  const fees = withinCap(await suggestFees(rpc, head), head, capOf(settings.maxFeeGwei));
  const unsent = {
    schema: 1 as const,
    ...keyOf(settings, request),
    owner: request.owner,
    signer,
    data,
    gas: String(gas),
    nonce: await nextNonce(session, signer),
    fromBlock: String(head.number),
    begunAtUnixMs: clock.nowUnixMs(),
  };
  return { ...unsent, sent: [await sign(wallet, unsent, fees, clock.nowUnixMs())] };
};

/** Behind everything that the node knows of this key, and behind what we have written down and it has not. */
const nextNonce = async ({ rpc, attempts, settings }: Session, signer: Address): Promise<number> => {
  const mined = await rpc(quantity, 'eth_getTransactionCount', [signer, 'latest']);
  const open = (await attempts.open(settings.chainId, signer)).filter(({ nonce }) => BigInt(nonce) >= mined);
  // One that never reached the node would hold back all after it.
  for (const attempt of open) await send(rpc, attempt);
  const pending = await rpc(quantity, 'eth_getTransactionCount', [signer, 'pending']);
  return Math.max(Number(pending), ...open.map(({ nonce }) => nonce + 1));
};

const requireSameOwner = (found: Attempt, { owner, machineId }: MintRequest): void => {
  if (found.owner === owner) return;
  throw new MintError(`the token of ${machineId} was asked for by ${found.owner} before, not by ${owner}`, {
    code: 'mint-conflict',
    retryable: false,
    hint: 'another machine needs another machine id',
  });
};

import { GuestAgentError } from '../domain/errors.ts';
import type { Address } from '../domain/identity.ts';
import type { MachineDetails } from '../domain/journal/memory.ts';
import type { Deps } from './deps.ts';
import { requireNotHeld } from './explicit/operator-words.ts';
import { findOwnDomain } from './find-own-domain.ts';
import { expectAgent } from './guest-exec.ts';
import { setLogin } from './set-login.ts';

type UpdateGecosDeps = Pick<
  Deps,
  'hypervisor' | 'agent' | 'journal' | 'ownDirectories' | 'records' | 'locks' | 'clock'
>;

/** The caller waits 30 s in all; whoever has the machine does a short step. */
const LOCK_WAIT_MS = 5_000;
/** A connected agent answers at once or not at all, and the caller wants to know within two seconds. */
const PING_MS = 1_000;

/** Token 0 is the administrator's, and is never noted as a machine's (D25). Whether it was minted, others prove. */
const noted = (details: MachineDetails, tokenId: bigint): MachineDetails | undefined =>
  tokenId === 0n || details.nftTokenId === tokenId ? undefined : { ...details, nftTokenId: tokenId, nftMinted: false };

/**
 * Lets the guest's GECOS name a wallet and its token because somebody says so, and reads it back. The word is obeyed; if the chain
 * names another owner of the machine's proven token, that wins later (D25). Nothing is written to the record: its caller's
 * copy would overwrite it, and the daemon brings it in line.
 */
export const updateGecos = async (
  deps: UpdateGecosDeps,
  name: string,
  { owner, tokenId }: { readonly owner: Address; readonly tokenId: bigint },
): Promise<void> => {
  const found = await findOwnDomain(deps, name);
  if (found.memory) requireNotHeld(found.memory, deps.clock.nowUnixMs());
  expectAgent(found);
  const { domain, memory, record } = found;
  const { uuid } = domain;
  if (!(await deps.agent.ping(uuid, { timeoutMs: PING_MS }))) {
    throw new GuestAgentError(`the guest agent of ${name} does not answer`, { code: 'agent-timeout', retryable: true });
  }
  const username = record?.username || memory?.details.username || domain.metadata?.made?.username || '';
  await deps.locks.withMachine(uuid, { waitMs: LOCK_WAIT_MS }, async () => {
    await setLogin(deps, uuid, { owner, tokenId, username });
    const details = (await deps.journal.refresh()).machines[uuid]?.details;
    const next = details && noted(details, tokenId);
    if (next) await deps.journal.append([{ kind: 'details-changed', uuid, details: next }]);
  });
};

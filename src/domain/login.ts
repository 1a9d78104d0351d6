import type { LoginView } from './entitlement.ts';
import type { Address } from './identity.ts';
import type { Observation } from './observation.ts';
import type { Step } from './plan.ts';

/** The token that is proven to be this machine's (D25): minted for it, and never token 0, which is the administrator's. */
export const provenToken = (observation: Pick<Observation, 'record' | 'memory'>): bigint | undefined => {
  const { record, memory } = observation;
  const fromRecord = record.known && record.value?.nftMinted ? record.value.nftTokenId : undefined;
  const token = fromRecord ?? (memory?.details.nftMinted ? memory.details.nftTokenId : undefined);
  return token !== undefined && token > 0n ? token : undefined;
};

/**
 * Whom the guest's GECOS names, as far as we know: what we set last, else whom the machine was made for. A record that
 * says itself that the guest does not name its owner yet tells nothing of whom the guest names; nor does anything while a
 * change was begun and not seen to end.
 */
const ownerInGuest = (observation: Observation): string | undefined => {
  const { memory, record } = observation;
  if (memory?.loginUnsure) return undefined;
  if (memory?.loginOwner === undefined && record.known && record.value?.gecosSynced === false) return undefined;
  const owner = memory?.loginOwner ?? (record.known ? (record.value?.ownerWallet ?? record.value?.owner) : undefined);
  return (owner ?? memory?.details.owner)?.toLowerCase();
};

/** What the chain says about the proven token; what was asked about another token does not count. */
const provenLogin = (observation: Observation): LoginView | undefined =>
  observation.login?.tokenId === provenToken(observation) ? observation.login : undefined;

/**
 * The new owner that the guest does not name yet; absent where nothing is known to have changed. A change counts at
 * `safe`, agreed by the head (D25).
 */
export const newOwner = (
  observation: Observation,
): { readonly owner: Address; readonly tokenId: bigint } | undefined => {
  const login = provenLogin(observation);
  if (!login?.safe.known || !login.head.known || login.safe.value !== login.head.value) return undefined;
  return login.safe.value === ownerInGuest(observation)
    ? undefined
    : { owner: login.safe.value, tokenId: login.tokenId };
};

/** Somebody else than the guest names is, or is about to be, the owner: some readable level says so (D25). */
export const ownerInDoubt = (observation: Observation): boolean => {
  const login = provenLogin(observation);
  return [login?.head, login?.safe].some((fact) => fact?.known && fact.value !== ownerInGuest(observation));
};

/** Both levels are known, and both name whom the guest names; a machine without a proven token has nothing to agree with. */
export const ownerIsRight = (observation: Observation): boolean => {
  if (provenToken(observation) === undefined) return true;
  const login = provenLogin(observation);
  return [login?.head, login?.safe].every((fact) => fact?.known && fact.value === ownerInGuest(observation));
};

/**
 * How to start a machine: where any level names another owner than the guest does, afresh and without network until
 * GECOS is right; a saved image would bring the former owner's session back.
 */
export const startStep = (observation: Observation): Step => {
  const changed = ownerInDoubt(observation) || observation.memory?.linkDownSinceUnixMs !== undefined;
  return { do: 'start', dropSaved: changed, linkDown: changed };
};

/** What the login right wants of a running machine now. */
export const loginStep = (observation: Observation): Step | undefined => {
  const { domain, memory } = observation;
  if (!domain.known || domain.value === 'absent' || domain.value.run !== 'running') return undefined;
  const changed = newOwner(observation);
  if (changed) {
    if (!domain.value.agentConnected) return undefined;
    return { do: 'set-login', ...changed, username: memory?.details.username ?? '' };
  }
  return memory?.linkDownSinceUnixMs !== undefined && ownerIsRight(observation) ? { do: 'link-up' } : undefined;
};

import type { CreateRequest } from '../../domain/create-request.ts';
import { BlockhostError, explain } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import { addressSchema } from '../../domain/journal/memory.ts';
import type { Step } from '../../domain/plan.ts';
import { act, intentOf } from '../act.ts';
import { setLogin } from '../set-login.ts';
import type { Begun } from './allocate.ts';
import type { CreateDeps } from './create-deps.ts';

const LOCK_WAIT_MS = 20_000;
const PING_EVERY_MS = 1000;
const START: Step = { do: 'start', dropSaved: false, linkDown: false };

/**
 * The commit and the first start, under the machine's lock: whoever sees it committed sees it started, or starts it
 * himself. Resolves to why it did not start, if it did not.
 */
export const commitAndStart = (deps: CreateDeps, uuid: Uuid): Promise<unknown> =>
  deps.locks.withMachine(uuid, { waitMs: LOCK_WAIT_MS }, async () => {
    const because = 'created just now';
    const basis = {
      row: 'created',
      because,
      policyVersion: deps.policy.version,
      observedAtUnixMs: deps.clock.nowUnixMs(),
    };
    const ground = { row: 'created', because, basis };
    await deps.journal.append([{ kind: 'created', uuid, bootId: deps.bootId }, intentOf(deps, uuid, ground, START)]);
    // From here on nothing may end in an undo, a journal that fills up included.
    return act(deps, uuid, ground, START).catch((error: unknown) => error);
  });

/** A paid machine is not destroyed for being slow: whoever cannot wait longer is told so (bounded, never fatal). */
export const waitForAgent = async (deps: CreateDeps, uuid: Uuid, name: string): Promise<void> => {
  const { clock, patience, tell, stop } = deps;
  const startMs = clock.monotonicMs();
  tell(`${name}: waiting for its guest agent`);
  while (clock.monotonicMs() - startMs < patience.agentMs && !stop.aborted) {
    if (await deps.agent.ping(uuid).catch(() => false)) {
      tell(`${name}: answers after ${Math.round((clock.monotonicMs() - startMs) / 1000)} s`);
      return;
    }
    await clock.sleep(PING_EVERY_MS, stop).catch(() => undefined);
  }
  tell(`${name}: its guest agent does not answer yet; the machine is made and goes on booting`);
};

/** The guest was made with the token that was reserved; the login module wants the one that was minted (D19, interop §5). */
const nameToken = async (deps: CreateDeps, request: CreateRequest, uuid: Uuid, tokenId: bigint): Promise<void> => {
  const { name, username } = request;
  try {
    const owner = addressSchema.parse(request.owner);
    await deps.locks.withMachine(uuid, { waitMs: LOCK_WAIT_MS }, () =>
      setLogin(deps, uuid, { owner, tokenId, username }),
    );
    await deps.records.patch(name, { gecosSynced: true });
  } catch (error) {
    deps.tell(`note: the guest of ${name} is not told of token ${tokenId} yet: ${explain(error)}; the daemon does it`);
  }
};

const mintOne = async (deps: CreateDeps, request: CreateRequest, { allocation, memory }: Begun): Promise<bigint> => {
  const { name, owner, username, userSignature } = request;
  const details = { hostname: allocation.ipv6 || allocation.ipv4, port: 22, username };
  const sealed = userSignature === undefined ? {} : { userEncrypted: await deps.minter.seal(details, userSignature) };
  const minted = await deps.minter.mint({ owner, machineId: memory.uuid, ...sealed });
  const atUnix = BigInt(Math.floor(deps.clock.nowUnixMs() / 1000));
  const renamed = minted !== allocation.nftTokenId;
  // Before the token is proven: who looks from here on knows that the guest was told another one, and mends it.
  if (renamed) await deps.records.patch(name, { gecosSynced: false });
  // The record first: the journal takes a machine's token from there, never the other way round.
  await deps.records.noteMinted(name, allocation.nftTokenId, minted, atUnix);
  const now = deps.journal.state().machines[memory.uuid]?.details ?? memory.details;
  await deps.journal.append([
    { kind: 'details-changed', uuid: memory.uuid, details: { ...now, nftTokenId: minted, nftMinted: true } },
  ]);
  if (renamed) await nameToken(deps, request, memory.uuid, minted);
  return minted;
};

/** The credential, where this command is to mint it. A machine without one is whole: it can be minted later. */
export const mintIfWanted = async (deps: CreateDeps, request: CreateRequest, begun: Begun): Promise<bigint> => {
  if (!request.mint) return begun.allocation.nftTokenId;
  deps.tell(`${request.name}: minting its credential`);
  try {
    return await mintOne(deps, request, begun);
  } catch (error) {
    deps.tell(
      `warning: the credential of ${request.name} was not minted: ${explain(error)}; blockhost-mint-nft --owner-wallet ${request.owner} --machine-id ${begun.memory.uuid} mints it later`,
    );
    return begun.allocation.nftTokenId;
  }
};

/** A start that time can cure is the daemon's from here on; one that it cannot wants an operator now. */
export const judgeStart = (deps: CreateDeps, name: string, failure: unknown): void => {
  if (failure === undefined) return;
  if (failure instanceof BlockhostError && !failure.retryable)
    throw new BlockhostError(`${name} is made and registered, and cannot be started: ${explain(failure)}`, {
      code: 'created-not-started',
      retryable: false,
      hint: `mend it, then \`blockhost-provisioner ack ${name}\`; the daemon starts it`,
      cause: failure,
    });
  deps.tell(`warning: ${name} is made and did not start: ${explain(failure)}; the daemon starts it`);
};

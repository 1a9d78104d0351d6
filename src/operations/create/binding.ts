import type { CreateRequest } from '../../domain/create-request.ts';
import type { Address, SubscriptionRef } from '../../domain/identity.ts';
import type { OwnMachineClass } from '../../domain/journal/memory.ts';
import { type CreateDeps, cannotCreate } from './create-deps.ts';

/** What the new machine's right to run hangs on, and until when it has it. */
export interface Binding {
  readonly machineClass: OwnMachineClass;
  readonly expiresAtUnix: bigint;
}

const LOOK_EVERY_MS = 2000;
const DAY_SECONDS = 86_400;

const recordOnly = (deps: CreateDeps, { expiryDays }: CreateRequest): Binding => ({
  machineClass: { kind: 'record-only' },
  expiresAtUnix: BigInt(Math.floor(deps.clock.nowUnixMs() / 1000) + expiryDays * DAY_SECONDS),
});

const tellOfOwner = (deps: CreateDeps, request: CreateRequest, subscriber: Address): void => {
  if (subscriber !== request.owner)
    deps.tell(`note: the subscriber is ${subscriber}; the machine is made for ${request.owner}, as asked`);
};

const unreadable = ({ name }: CreateRequest, { subscriptionId }: SubscriptionRef, why: string): Error =>
  cannotCreate(
    name,
    [`whether subscription ${subscriptionId} exists is unknown: ${why}; run it again when the chain answers`],
    'chain-unreadable',
  );

/**
 * Asks until the answer is settled: a node may lag behind the event that the caller acts on, so that "there is none" counts
 * only from a block that is younger than the command. The class is for ever: where the chain does not answer, or stands
 * still, nothing is created (L3, C7, D9). A plan, which waits for nothing, is told as it looks now.
 */
const read = async (deps: CreateDeps, request: CreateRequest, ref: SubscriptionRef): Promise<Binding> => {
  const { patience } = deps;
  const startMs = deps.clock.monotonicMs();
  const askedUnix = BigInt(Math.floor(deps.clock.nowUnixMs() / 1000));
  let told = false;
  for (;;) {
    const fact = await deps.chain.subscription(ref);
    if (fact.known && !('absent' in fact.value)) {
      tellOfOwner(deps, request, fact.value.owner);
      return { machineClass: { kind: 'bound', subscription: ref }, expiresAtUnix: fact.value.expiresAtUnix };
    }
    const waitedMs = deps.clock.monotonicMs() - startMs;
    const young = fact.known && (fact.value.atBlock.timestampUnix > askedUnix || patience.chainMs === 0);
    if (young && waitedMs >= patience.noneMs) {
      deps.tell(`there is no subscription ${ref.subscriptionId}: its record alone will say when the machine expires`);
      return recordOnly(deps, request);
    }
    if (waitedMs >= patience.chainMs)
      throw unreadable(request, ref, fact.known ? 'the newest block is older than this command' : fact.why);
    if (!told) deps.tell(`waiting for subscription ${ref.subscriptionId} to show on the chain`);
    told = true;
    await deps.clock.sleep(LOOK_EVERY_MS, deps.stop);
  }
};

/**
 * The class of a new machine (D8, D9): bound where the name means a subscription that has a subscriber, record-only where
 * it means none, or none is there. Throws where two contracts claim the name, or the chain cannot be read.
 */
export const bindingFor = (deps: CreateDeps, request: CreateRequest): Promise<Binding> => {
  const [ref, ...others] = deps.chain.configured ? deps.chain.refsForName(request.name) : [];
  if (ref === undefined) return Promise.resolve(recordOnly(deps, request));
  if (others.length > 0) {
    const claims = [ref, ...others].map(({ contract, subscriptionId }) => `${subscriptionId} of ${contract}`);
    return Promise.reject(cannotCreate(request.name, [`its name means several subscriptions: ${claims.join(', ')}`]));
  }
  return read(deps, request, ref);
};

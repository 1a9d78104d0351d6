import type {
  BlockRef,
  Entitlement,
  EntitlementView,
  FinalityLevel,
  WitnessRead,
} from '../../src/domain/entitlement.ts';
import { type Fact, known, unknown } from '../../src/domain/fact.ts';
import { type Address, type SubscriptionRef, subscriptionKey } from '../../src/domain/identity.ts';
import type { Chain } from '../../src/ports/chain.ts';
import type { Clock } from '../../src/ports/clock.ts';

/** How far each level lags behind the wall clock, in milliseconds. */
export const LAG_MS: Readonly<Record<FinalityLevel, number>> = { head: 2000, safe: 10_000, finalized: 20_000 };

interface Change {
  readonly atUnixMs: number;
  readonly expiresAtUnix: bigint;
  readonly cancelled: boolean;
}

/** A chain in memory: what was changed when, and what each level of finality shows of it. */
export interface ModelLedger extends Chain {
  buy(ref: SubscriptionRef, owner: Address, expiresAtUnix: bigint): void;
  change(ref: SubscriptionRef, expiresAtUnix: bigint, cancelled?: boolean): void;
  /** Takes back every change of the last so many milliseconds; only what is not finalized can be. */
  reorg(depthMs: number): void;
  /** No endpoint answers. */
  outage(on: boolean): void;
  /** The second endpoint says something else. */
  liar(on: boolean): void;
  /** The canonical expiry at a level now. */
  expiry(ref: SubscriptionRef, level: FinalityLevel): bigint;
  giveToken(tokenId: bigint, owner: Address): void;
}

export const CONTRACT: Address = `0x${'cc'.repeat(20)}`;
export const CHAIN_ID = 31337;
export const refOf = (subscriptionId: bigint): SubscriptionRef => ({
  chainId: CHAIN_ID,
  contract: CONTRACT,
  subscriptionId,
});

export const createModelLedger = (clock: Clock, endpointsConfigured = 2): ModelLedger => {
  const subscriptions = new Map<string, { readonly owner: Address; changes: Change[] }>();
  const tokens = new Map<bigint, { readonly atUnixMs: number; readonly owner: Address }[]>();
  let outageSinceUnixMs: number | undefined;
  let lies = false;

  const levelUnixMs = (level: FinalityLevel): number => clock.nowUnixMs() - LAG_MS[level];
  const visible = <T extends { readonly atUnixMs: number }>(
    changes: readonly T[],
    level: FinalityLevel,
  ): T | undefined => changes.filter(({ atUnixMs }) => atUnixMs <= levelUnixMs(level)).at(-1) ?? changes[0];

  const blockAt = (level: FinalityLevel): BlockRef => {
    const timestampUnix = BigInt(Math.floor(levelUnixMs(level) / 1000));
    return { number: timestampUnix / 2n, hash: `0x${timestampUnix}`, timestampUnix };
  };

  const read = (ref: SubscriptionRef, level: FinalityLevel): Fact<Entitlement> => {
    if (outageSinceUnixMs !== undefined) return unknown('no endpoint answers', outageSinceUnixMs);
    const subscription = subscriptions.get(subscriptionKey(ref));
    const change = subscription && visible(subscription.changes, level);
    if (!subscription || !change) return unknown('no such subscription', clock.nowUnixMs());
    return known({
      id: ref.subscriptionId,
      owner: subscription.owner,
      expiresAtUnix: change.expiresAtUnix,
      cancelled: change.cancelled,
      atBlock: blockAt(level),
    });
  };

  const witnessesOf = (fact: Fact<Entitlement>): readonly WitnessRead[] =>
    !fact.known
      ? []
      : ['rpc#1', 'rpc#2'].slice(0, endpointsConfigured).map((endpoint, index) => ({
          endpoint,
          expiresAtUnix: fact.value.expiresAtUnix + (lies && index === 1 ? 86_400n : 0n),
          cancelled: fact.value.cancelled,
          blockNumber: fact.value.atBlock.number,
          blockHash: fact.value.atBlock.hash,
          readAtUnixMs: clock.nowUnixMs(),
        }));

  const add = (ref: SubscriptionRef, change: Change): void => {
    subscriptions.get(subscriptionKey(ref))?.changes.push(change);
  };

  return {
    configured: true,
    knows: (ref) => ref.contract === CONTRACT,
    entitlement: async (ref, depth): Promise<EntitlementView> => {
      const notAsked = unknown('not asked', clock.nowUnixMs());
      const deep = depth !== 'head';
      const finalized = deep ? read(ref, 'finalized') : notAsked;
      return {
        head: read(ref, 'head'),
        safe: deep ? read(ref, 'safe') : notAsked,
        finalized,
        witnesses: depth === 'with-witnesses' ? witnessesOf(finalized) : [],
        endpointsConfigured,
        readAtUnixMs: clock.nowUnixMs(),
      };
    },
    login: async ({ tokenId }, depth) => {
      const at = (level: FinalityLevel): Fact<Address> => {
        const owner = outageSinceUnixMs === undefined ? visible(tokens.get(tokenId) ?? [], level)?.owner : undefined;
        return owner ? known(owner) : unknown('no answer', clock.nowUnixMs());
      };
      const safe = depth === 'with-witnesses' && lies ? unknown('endpoints disagree', clock.nowUnixMs()) : at('safe');
      return { tokenId, head: at('head'), safe, readAtUnixMs: clock.nowUnixMs() };
    },
    subscriptions: async () => unknown('not modelled', clock.nowUnixMs()),
    refForName: (name) =>
      /^blockhost-\d{3,}$/.test(name) ? refOf(BigInt(name.slice('blockhost-'.length))) : undefined,
    refsForName: (name) => (/^blockhost-\d{3,}$/.test(name) ? [refOf(BigInt(name.slice('blockhost-'.length)))] : []),
    subscription: async (ref) => {
      if (outageSinceUnixMs !== undefined) return unknown('no endpoint answers', outageSinceUnixMs);
      return subscriptions.has(subscriptionKey(ref))
        ? read(ref, 'head')
        : known({ absent: true, atBlock: blockAt('head') });
    },
    credentialSupply: async () =>
      outageSinceUnixMs === undefined ? known(BigInt(tokens.size)) : unknown('no endpoint answers', outageSinceUnixMs),
    health: () => ({ synced: known(true), head: unknown('not modelled', clock.nowUnixMs()) }),

    buy: (ref, owner, expiresAtUnix) => {
      const change = { atUnixMs: clock.nowUnixMs() - 60_000, expiresAtUnix, cancelled: false };
      subscriptions.set(subscriptionKey(ref), { owner, changes: [change] });
    },
    change: (ref, expiresAtUnix, cancelled = false) =>
      add(ref, { atUnixMs: clock.nowUnixMs(), expiresAtUnix, cancelled }),
    reorg: (depthMs) => {
      const keepUntil = clock.nowUnixMs() - Math.min(depthMs, LAG_MS.finalized);
      for (const subscription of subscriptions.values()) {
        subscription.changes = subscription.changes.filter(
          ({ atUnixMs }, index) => index === 0 || atUnixMs <= keepUntil,
        );
      }
    },
    outage: (on) => {
      outageSinceUnixMs = on ? (outageSinceUnixMs ?? clock.nowUnixMs()) : undefined;
    },
    liar: (on) => {
      lies = on;
    },
    expiry: (ref, level) => {
      const subscription = subscriptions.get(subscriptionKey(ref));
      return (subscription && visible(subscription.changes, level)?.expiresAtUnix) ?? 0n;
    },
    giveToken: (tokenId, owner) => {
      tokens.set(tokenId, [...(tokens.get(tokenId) ?? []), { atUnixMs: clock.nowUnixMs(), owner }]);
    },
  };
};

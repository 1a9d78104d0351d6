import type { ChainHint } from '../../ports/chain.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CursorStore } from '../../ports/cursor-store.ts';
import type { Log } from '../../ports/log.ts';
import type { ChainMemory } from './chain-memory.ts';
import { NoNodeFailure, type RpcFailure, type RpcFault } from './rpc-failure.ts';

export interface FollowerDoubtsDeps {
  readonly id: string;
  readonly chainId: number;
  readonly memory: ChainMemory;
  readonly cursorStore: CursorStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a busy chain does now and then; only when it lasts is the chain unknown. */
const PASSING: readonly RpcFault[] = ['moved', 'missing-block', 'behind'];
const PASSING_POLLS = 3;
const LOOK_AND_ACK = 'look into it, then: blockhost-provisioner ack chain';
/** No word of an operator makes a log decode. */
const MEND =
  "check the node, and the contract's `kind` and address in the configuration; it goes on once the log decodes";

/** Without the endpoints, which are asked in another order at each look: one log is one alarm. */
const whatDoesNotDecode = (failure: RpcFailure): string =>
  failure instanceof NoNodeFailure
    ? (failure.faults.find(({ fault }) => fault === 'undecodable')?.why ?? failure.message)
    : failure.message;
/** A head that stays below what was seen for this long is no lagging node but a shorter chain (D23). */
const BEHIND_ALARM_MS = 10 * 60_000;

/**
 * Decides when a chain counts as unknown and when it is known again, tells so once per change, and waits for the
 * operator where only an operator can tell (D23).
 */
export const createFollowerDoubts = ({ id, chainId, memory, cursorStore, clock, log }: FollowerDoubtsDeps) => {
  let unknown: { why: string; sinceUnixMs: number } | undefined;
  let passingPolls = 0;
  let behindSinceMs: number | undefined;
  let alarmed = '';
  let shrunkSince: number | undefined;

  const alarmOnce = (why: string, rule: string, message: string, todo: string = LOOK_AND_ACK): void => {
    if (alarmed === why) return;
    alarmed = why;
    log.error({ why, rule, todo }, message);
  };

  const becomeUnknown = (why: string, sinceUnixMs: number): ChainHint[] => {
    if (unknown) return [];
    unknown = { why, sinceUnixMs };
    log.warn({ why, unknownSinceUnixMs: sinceUnixMs }, 'the chain is unknown; nothing harmful is done');
    return [{ kind: 'unknown', why, sinceUnixMs }];
  };

  const becomeKnown = (): ChainHint[] => {
    if (!unknown) return [];
    const unknownForMs = clock.nowUnixMs() - unknown.sinceUnixMs;
    log.info({ unknownForMs, was: unknown.why }, 'the chain is known again');
    unknown = undefined;
    alarmed = '';
    return [{ kind: 'known-again', unknownForMs }];
  };

  const faultsOf = (failure: RpcFailure): readonly RpcFault[] =>
    failure instanceof NoNodeFailure ? failure.faults.map(({ fault }) => fault) : [failure.fault];

  const onFailure = (failure: RpcFailure): ChainHint[] => {
    const faults = faultsOf(failure);
    const nowMs = clock.monotonicMs();
    behindSinceMs = faults.includes('behind') ? (behindSinceMs ?? nowMs) : undefined;
    const shorter = behindSinceMs !== undefined && nowMs - behindSinceMs > BEHIND_ALARM_MS;
    if (faults.includes('off-cursor') || shorter) {
      const trouble = memory.setTrouble(failure.message);
      alarmOnce(trouble.why, 'D23', 'the chain is not the one that was followed; waiting for `ack chain`');
      return becomeUnknown(trouble.why, trouble.sinceUnixMs);
    }
    if (faults.includes('undecodable')) {
      alarmOnce(whatDoesNotDecode(failure), 'C3', 'a log of our contract does not decode; the cursor stands', MEND);
      memory.setLag(failure.message);
      memory.setStandstill(`the cursor stands: ${whatDoesNotDecode(failure)}`);
    }
    if (faults.every((fault) => PASSING.includes(fault))) {
      passingPolls += 1;
      if (passingPolls < PASSING_POLLS) return [];
    }
    return becomeUnknown(failure.message, clock.nowUnixMs());
  };

  const onShrunk = (why: string): ChainHint[] => {
    shrunkSince ??= clock.nowUnixMs();
    memory.setLag(why);
    alarmOnce(why, 'C8', 'nextSubscriptionId shrank; waiting for `ack chain`');
    return becomeUnknown(why, shrunkSince);
  };

  return {
    /** True once an operator's `ack chain` came after the trouble began: then everything begins anew. */
    released: async (): Promise<boolean> => {
      const sinceUnixMs = memory.trouble()?.sinceUnixMs ?? shrunkSince;
      if (sinceUnixMs === undefined || !(await cursorStore.acknowledgedSince(id, sinceUnixMs))) return false;
      log.info({ chainId, rule: 'D23' }, 'acknowledged by the operator; the chain is followed anew');
      memory.forget();
      shrunkSince = undefined;
      behindSinceMs = undefined;
      return true;
    },

    /** What changed for those who listen, after one look. */
    judge: (failure: RpcFailure | undefined, shrunk: string | undefined, behind: string | undefined): ChainHint[] => {
      const trouble = memory.trouble();
      if (trouble) return becomeUnknown(trouble.why, trouble.sinceUnixMs);
      if (failure) return onFailure(failure);
      passingPolls = 0;
      behindSinceMs = undefined;
      memory.setStandstill(undefined);
      if (shrunk !== undefined) return onShrunk(shrunk);
      shrunkSince = undefined;
      memory.setLag(behind);
      return becomeKnown();
    },

    /** Something else than an endpoint failed (the cursor's store, or a defect): unknown, told once. */
    defect: (error: unknown): ChainHint[] => {
      const why = error instanceof Error ? error.message : String(error);
      if (alarmed !== why) log.error({ err: error }, 'the follower could not look');
      alarmed = why;
      return becomeUnknown(why, clock.nowUnixMs());
    },
  };
};

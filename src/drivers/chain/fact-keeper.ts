import type { Entitlement, EntitlementView, FinalityLevel, LoginView } from '../../domain/entitlement.ts';
import { type Fact, known, unknown } from '../../domain/fact.ts';
import { type Address, type SubscriptionRef, subscriptionKey } from '../../domain/identity.ts';
import type { ReadDepth } from '../../ports/chain.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { type ChainMemory, NODES } from './chain-memory.ts';
import type { ChainAnswers, LevelAnswers } from './chain-reads.ts';
import type { Answer, EntitlementReading, Question } from './contract-adapter.ts';
import { blockRef } from './rpc-schema.ts';

export interface FactKeeperDeps {
  readonly memory: ChainMemory;
  readonly clock: Clock;
  readonly log: Log;
  readonly endpointsConfigured: number;
}

const NOT_ASKED = 'not asked for';

/**
 * Turns answers into facts: known, or unknown with its reason and since when (L3). What contradicts what is remembered
 * is unknown, too: an id that vanished, a `nextSubscriptionId` that shrank (C8). Each such contradiction alarms once.
 */
export const createFactKeeper = ({ memory, clock, log, endpointsConfigured }: FactKeeperDeps) => {
  const alarmed = new Set<string>();

  const alarmOnce = (key: string, fields: Record<string, unknown>, message: string): void => {
    if (alarmed.has(key)) return;
    alarmed.add(key);
    log.error({ ...fields, rule: 'C8' }, message);
  };

  const keep = <T>(key: string, value: T | undefined, why: string, cause?: string): Fact<T> => {
    if (value === undefined) return unknown(why, memory.unknownSince(key, cause));
    memory.knownAgain(key);
    return known(value);
  };

  /** Why the settled levels of this contract cannot be believed now. */
  const shrunk = (contract: Address, finalized: LevelAnswers): string | undefined => {
    if (!finalized.ok) return undefined;
    const nextId = finalized.nextIds.get(`${contract}:nextId`);
    if (!nextId?.ok) return undefined;
    const key = `shrunk ${contract}`;
    if (memory.noteNextId(contract, nextId.value, finalized.block.number)) {
      alarmed.delete(key);
      return undefined;
    }
    const before = memory.nextIds()[contract] ?? '?';
    const why = `nextSubscriptionId of ${contract} shrank from ${before} to ${nextId.value}`;
    alarmOnce(
      key,
      { contract, before, now: nextId.value.toString() },
      'nextSubscriptionId shrank; nothing is believed',
    );
    return why;
  };

  const absent = (ref: SubscriptionRef, level: FinalityLevel, block: bigint, why: string): string => {
    const key = subscriptionKey(ref);
    if (level === 'head' || !memory.vanished(key, block)) return why;
    alarmOnce(`vanished ${key}`, { subscription: key, block: block.toString() }, 'a subscription that existed is gone');
    return `${why}; it existed in an older settled block`;
  };

  const entitlementAt = (
    ref: SubscriptionRef,
    level: FinalityLevel,
    question: Question<EntitlementReading>,
    answers: LevelAnswers,
    doubt: string | undefined,
  ): Fact<Entitlement> => {
    const key = `${level} ${subscriptionKey(ref)}`;
    if (!answers.ok) return keep<Entitlement>(key, undefined, answers.why, NODES);
    const answer = answers.entitlements.get(question.key);
    if (!answer?.ok) {
      const why = answer?.why ?? NOT_ASKED;
      const told = answer?.absent ? absent(ref, level, answers.block.number, why) : why;
      return keep<Entitlement>(key, undefined, told);
    }
    if (level === 'finalized') {
      memory.noteExists(subscriptionKey(ref), answers.block.number);
      alarmed.delete(`vanished ${subscriptionKey(ref)}`);
    }
    if (doubt !== undefined) return keep<Entitlement>(key, undefined, doubt);
    return keep(key, { ...answer.value, atBlock: blockRef(answers.block) }, '');
  };

  const entitlement = (
    ref: SubscriptionRef,
    depth: ReadDepth,
    question: Question<EntitlementReading>,
    { levels, verdicts, readAtUnixMs }: ChainAnswers,
  ): EntitlementView => {
    const verdict = depth === 'with-witnesses' ? verdicts.get(question.key) : undefined;
    const doubt = depth === 'head' ? undefined : (memory.standstill() ?? shrunk(ref.contract, levels.finalized));
    const older = (level: 'safe' | 'finalized', why: string | undefined): Fact<Entitlement> =>
      depth === 'head'
        ? unknown(NOT_ASKED, clock.nowUnixMs())
        : entitlementAt(ref, level, question, levels[level], why);
    return {
      head: entitlementAt(ref, 'head', question, levels.head, undefined),
      safe: older('safe', doubt),
      finalized: older('finalized', doubt ?? verdict?.disagreement),
      witnesses: verdict?.reads ?? [],
      endpointsConfigured,
      readAtUnixMs,
    };
  };

  const ownerAt = (level: 'head' | 'safe', question: Question<Address>, answers: LevelAnswers): Fact<Address> => {
    const key = `${level} ${question.key}`;
    if (!answers.ok) return keep<Address>(key, undefined, answers.why, NODES);
    const answer: Answer<Address> | undefined = answers.owners.get(question.key);
    return answer?.ok ? keep(key, answer.value, '') : keep<Address>(key, undefined, answer?.why ?? NOT_ASKED);
  };

  const login = (tokenId: bigint, question: Question<Address>, { levels, readAtUnixMs }: ChainAnswers): LoginView => ({
    tokenId,
    head: ownerAt('head', question, levels.head),
    safe: ownerAt('safe', question, levels.safe),
    readAtUnixMs,
  });

  return { entitlement, login };
};

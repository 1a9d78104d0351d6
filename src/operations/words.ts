import { BlockhostError } from '../domain/errors.ts';
import type { JournalEvent } from '../domain/journal/event.ts';
import { machinesIn } from '../domain/journal/machine-map.ts';
import type { JournalState, MachineMemory } from '../domain/journal/memory.ts';
import type { Clock } from '../ports/clock.ts';
import type { Journal } from '../ports/journal.ts';

/** An operator's word (L11, D17), as it was asked for. */
export type Word =
  | { readonly word: 'hold'; readonly vm: string; readonly reason: string; readonly forMs: number }
  | { readonly word: 'release'; readonly vm: string }
  | { readonly word: 'protect'; readonly vm: string; readonly reason: string; readonly forMs?: number }
  | { readonly word: 'unprotect'; readonly vm: string }
  | { readonly word: 'ack'; readonly what: string };

const wrong = (message: string, hint: string): BlockhostError =>
  new BlockhostError(message, { code: 'word-refused', retryable: false, hint });

/** The machine that an operator means by a name or a UUID: the present one where there were several. */
export const machineNamed = (state: JournalState, vm: string): MachineMemory => {
  const named = machinesIn(state.machines).filter(({ name, uuid }) => name === vm || uuid === vm);
  const machine =
    named.find(({ phase }) => phase === 'present') ?? named.find(({ phase }) => phase !== 'gone') ?? named.at(-1);
  if (machine) return machine;
  throw wrong(
    `no machine "${vm}" is known here`,
    'names are those of blockhost-vm-list; a new machine is known once the daemon has seen it',
  );
};

const nothingToAck = (what: string): BlockhostError =>
  wrong(
    `nothing to acknowledge: ${what} has raised no alarm`,
    'an acknowledgement is for one alarm, not for the next one',
  );

const ackEvent = (state: JournalState, what: string, by: string): JournalEvent => {
  const open = new Map([
    ['chain', true],
    ['clock', state.clockDoubt !== undefined],
    ['breaker:suspend', state.breaker.suspend !== undefined],
    ['breaker:destroy', state.breaker.destroy !== undefined],
  ]);
  if (open.has(what)) {
    if (open.get(what) !== true) throw nothingToAck(what);
    return { kind: 'ack', what, by };
  }
  const machine = machineNamed(state, what);
  if (Object.keys(machine.failures).length === 0) throw nothingToAck(what);
  return { kind: 'ack', what: machine.uuid, by };
};

const eventOf = (state: JournalState, word: Word, by: string, nowUnixMs: number): JournalEvent => {
  if (word.word === 'ack') return ackEvent(state, word.what, by);
  const { uuid } = machineNamed(state, word.vm);
  switch (word.word) {
    case 'hold':
      return { kind: 'hold', uuid, reason: word.reason, by, untilUnixMs: nowUnixMs + word.forMs };
    case 'release':
      return { kind: 'release', uuid, by };
    case 'protect':
      return {
        kind: 'protect',
        uuid,
        reason: word.reason,
        by,
        untilUnixMs: word.forMs === undefined ? undefined : nowUnixMs + word.forMs,
      };
    case 'unprotect':
      return { kind: 'unprotect', uuid, by };
  }
};

/** Writes an operator's word into the journal, where daemon and commands find it before their next step. */
export const say = async (
  deps: { readonly journal: Journal; readonly clock: Clock },
  word: Word,
  by: string,
): Promise<JournalEvent> => {
  const event = eventOf(await deps.journal.refresh(), word, by, deps.clock.nowUnixMs());
  await deps.journal.append([event]);
  return event;
};

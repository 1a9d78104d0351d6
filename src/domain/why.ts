import type { HistoryEvent } from './journal/history.ts';
import type { MachineMemory } from './journal/memory.ts';
import { moment } from './moment.ts';
import { warrantInWords } from './warrant/in-words.ts';
import { parseWarrant } from './warrant/warrant.ts';

const LAST = 12;

type Told = (event: HistoryEvent['event']) => string | undefined;

/** What became of a machine, in a line; nothing for what only keeps the books. */
const inWords: Told = (event) => {
  switch (event.kind) {
    case 'machine-known':
      return `known from now on (${event.how})`;
    case 'create-begun':
      return `its create began, by ${event.by}`;
    case 'created':
      return 'created';
    case 'seen-off':
      return `seen off (${event.cause})`;
    case 'seen-running':
      return 'seen running';
    case 'intent':
      return `${event.step}: ${event.basis.because} (row ${event.basis.row})`;
    case 'outcome':
      return event.ok ? `${event.step}: done in ${event.durationMs} ms` : `${event.step}: failed, ${event.error}`;
    case 'suspended':
      return 'suspended';
    case 'suspension-over':
      return `its suspension is over (${event.why})`;
    case 'quarantined':
      return `in quarantine until ${moment(event.untilUnixMs)}`;
    case 'restored':
      return 'back out of quarantine';
    case 'purged':
      return 'deleted for good';
    case 'hold':
    case 'protect':
      return `${event.kind}, by ${event.by}: ${event.reason}`;
    case 'release':
    case 'unprotect':
    case 'stopped-by-hand':
    case 'started-by-hand':
      return `${event.kind}, by ${event.by}`;
    case 'granted':
      return `granted until ${moment(Number(event.untilUnix) * 1000)}, by ${event.by}`;
    case 'destroy-ordered':
      return `its end was ordered by ${event.by}; the chain: ${event.chain}`;
    default:
      return undefined;
  }
};

const wordsInForce = ({ hold, protect, adminStop, ordered }: MachineMemory, nowUnixMs: number): readonly string[] => [
  ...(hold && (hold.untilUnixMs ?? 0) > nowUnixMs
    ? [`held by ${hold.by} until ${moment(hold.untilUnixMs ?? 0)}: ${hold.reason}`]
    : []),
  ...(protect && (protect.untilUnixMs ?? Number.POSITIVE_INFINITY) > nowUnixMs
    ? [`protected by ${protect.by}: ${protect.reason}`]
    : []),
  ...(adminStop ? [`stopped by ${adminStop.by} at ${moment(adminStop.sinceUnixMs)}`] : []),
  ...(ordered ? [`its end was ordered by ${ordered.by} at ${moment(ordered.sinceUnixMs)}`] : []),
];

const standing = (memory: MachineMemory): readonly string[] => {
  const { machineClass, phase, run, lastExpiresAtUnix, suspendedAtUnixMs, quarantine } = memory;
  const bound =
    machineClass.kind === 'bound'
      ? `bound to subscription ${machineClass.subscription.subscriptionId} of ${machineClass.subscription.contract} on chain ${machineClass.subscription.chainId}`
      : 'bound to no subscription: its record says until when';
  const on = run === undefined ? '' : run.on ? ', on when last looked at' : `, off (${run.cause ?? 'cause unknown'})`;
  return [
    `${phase}${on}`,
    bound,
    ...(lastExpiresAtUnix === undefined
      ? []
      : [`paid until ${moment(Number(lastExpiresAtUnix) * 1000)} when last read`]),
    ...(suspendedAtUnixMs === undefined ? [] : [`suspended since ${moment(suspendedAtUnixMs)}`]),
    ...(quarantine === undefined ? [] : [`kept in quarantine until ${moment(quarantine.untilUnixMs)}`]),
  ];
};

/**
 * Why a machine is as it is: what the journal remembers of it, whose word is in force, its last events, and what its last
 * step with a warrant rested on (L9). Lines for people, a heading unindented.
 */
export const whyLines = (
  memory: MachineMemory,
  history: readonly HistoryEvent[],
  nowUnixMs: number,
): readonly string[] => {
  const own = history.filter(({ event }) => 'uuid' in event && event.uuid === memory.uuid);
  const told = own.flatMap(({ atUnixMs, seq, event }) => {
    const words = inWords(event);
    return words === undefined ? [] : [`${moment(atUnixMs)} [${seq}] ${words}`];
  });
  const last = own.filter(({ event }) => event.kind === 'intent' && parseWarrant(event.warrant) !== undefined).at(-1);
  const warrant = last?.event.kind === 'intent' ? parseWarrant(last.event.warrant) : undefined;
  const failures = Object.entries(memory.failures).map(
    ([step, { count, message }]) => `${step} failed ${count} times: ${message}`,
  );
  const part = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
  return [
    ...part(`${memory.name} (${memory.uuid})`, [...standing(memory), ...failures]),
    ...part('whose word is in force', wordsInForce(memory, nowUnixMs)),
    ...part('what happened last (journal entry in brackets)', told.slice(-LAST)),
    ...(warrant === undefined || last?.event.kind !== 'intent'
      ? []
      : part(`what ${last.event.step} of entry ${last.seq} rested on`, warrantInWords(warrant))),
  ];
};

import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ServiceManager } from '../ports/service-manager.ts';
import type { Gate } from './gate.ts';
import type { Vitals } from './vitals.ts';

export interface ServiceWordsDeps {
  readonly vitals: Pick<Vitals, 'stalled'>;
  readonly manager: ServiceManager;
  readonly gate: Pick<Gate, 'onOpen' | 'waitsFor'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Log;
  /** How many machines there are, for people who ask the manager. */
  readonly machines: () => number;
  readonly stop: AbortSignal;
}

/** A word may be late, or lost, and still come in time. */
const WORDS_PER_LIMIT = 3;

const statusOf = ({ machines, gate }: ServiceWordsDeps): string => {
  const waitsFor = gate.waitsFor();
  const held = waitsFor.length === 0 ? '' : `; nothing harmful before it has seen: ${waitsFor.join(', ')}`;
  return `machines: ${machines()}${held}`;
};

/** Feeds the watchdog while everything moves, and only then; a daemon that stands still is started anew by its manager. */
const keepFed = async (deps: ServiceWordsDeps, watchdogMs: number): Promise<void> => {
  const { vitals, manager, clock, log, stop } = deps;
  let told = '';
  while (!stop.aborted) {
    const stalled = vitals.stalled();
    const what = stalled.join(', ');
    if (stalled.length === 0) await manager.tell({ what: 'alive', status: statusOf(deps) });
    else if (what !== told) log.error({ stalled }, 'stands still: the watchdog is not fed any more');
    told = what;
    await clock.sleep(watchdogMs / WORDS_PER_LIMIT, stop).catch(() => undefined);
  }
};

/**
 * Everything that the service manager is told of a daemon that listens. Nothing waits for it: what the daemon itself waits
 * for may be away for hours, and is no reason to be taken for broken. `farewell` waits for the last word, where one is due.
 */
export const speakToManager = (deps: ServiceWordsDeps): { farewell(): Promise<void> } => {
  const { manager, gate, stop } = deps;
  let last = Promise.resolve();
  const start = async (): Promise<void> => {
    await manager.tell({ what: 'ready', status: statusOf(deps) });
    if (manager.watchdogMs !== undefined) await keepFed(deps, manager.watchdogMs);
  };
  gate.onOpen(() => void manager.tell({ what: 'status', status: statusOf(deps) }));
  void start();
  stop.addEventListener('abort', () => {
    last = manager.tell({ what: 'stopping', status: 'ends what is under way' });
  });
  return { farewell: () => last };
};

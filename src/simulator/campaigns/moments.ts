import type { Invariant } from '../invariants/sight.ts';
import { phaseOf } from '../play/coverage.ts';
import { play } from '../play/play.ts';
import type { Scenario } from '../scenario/schema.ts';

/** A moment of a history that something else is to meet. */
export interface Moment {
  /** `suspended`, `before daemon hypervisor.start`, … */
  readonly name: string;
  readonly atMs: number;
}

/** Steps that are of no operation: told apart by nothing, and taken all the time. */
const IDLE = /^(disk|hostRoutes)\.|writeMetadata$/;

/**
 * Plays the history once and tells when it is in the middle of each phase of a machine, and in each step of each hand:
 * while a call is under way, and when it has just come back. Whatever is put there later meets just that, since the same
 * history plays the same way up to it.
 */
export const momentsOf = async (scenario: Scenario): Promise<readonly Moment[]> => {
  const spans = new Map<string, { readonly from: number; to: number }>();
  const steps = new Map<string, number>();
  const probe: Invariant = {
    name: 'probe',
    rules: '',
    watch: () => (sight) => {
      for (const { by, what, startMs } of sight.effects) {
        const key = `${by} ${what}`;
        if (!IDLE.test(what) && !steps.has(key)) steps.set(key, startMs);
      }
      return [];
    },
  };
  await play(scenario, {
    invariants: [probe],
    sees: (state, nowMs) => {
      for (const memory of Object.values(state?.machines ?? {})) {
        const key = `${memory.uuid} ${phaseOf(memory, memory.run?.on)}`;
        const span = spans.get(key) ?? { from: nowMs, to: nowMs };
        spans.set(key, { ...span, to: nowMs });
      }
    },
  });
  const phases = new Map<string, Moment>();
  for (const [key, { from, to }] of spans) {
    const phase = key.slice(key.indexOf(' ') + 1);
    const name = `in ${phase}`;
    if (from > 0 && !phases.has(name))
      phases.set(name, { name, atMs: Math.floor((from + Math.min(to, scenario.host.lastsMs)) / 2) });
  }
  const during = [...steps].flatMap(([name, startMs]) => [
    { name: `during ${name}`, atMs: Math.max(0, Math.floor(startMs) - 1) },
    { name: `after ${name}`, atMs: Math.ceil(startMs) + 1 },
  ]);
  return [...phases.values(), ...during]
    .filter(({ atMs }) => atMs <= scenario.host.lastsMs)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
};

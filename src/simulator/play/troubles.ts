import type { Sight } from '../invariants/sight.ts';
import type { World } from '../world/world.ts';

/** What is wrong with the world at a moment, so that nobody is blamed for what he could not do. */
export interface Troubles {
  /** Something begins that others must bear; returns how it ends. */
  begin(kind: 'node' | 'host' | 'clock' | 'passing'): () => void;
  /** The daemon works now, or does not. */
  able(on: boolean): void;
  seen(): Pick<Sight, 'ableSinceMs' | 'calmSinceMs' | 'darkSinceMs' | 'duskSinceMs' | 'liar'>;
}

/** A liar's word may be in what was read before, and is found out by the next sweep at the latest. */
const liesLastMs = (sweepEveryMs: number): number => 1.3 * sweepEveryMs + 300_000;

const LIES = ['distorts', 'misnames', 'frozen', 'forgetsLogs', 'lag', 'chainId', 'tamper'] as const;

export const createTroubles = (world: World): Troubles => {
  const begun = new Set<symbol>();
  let hostTroubles = 0;
  let daemonWorks = false;
  let ableSinceMs: number | undefined;
  let calmSinceMs: number | undefined;
  let darkSinceMs: number | undefined;
  let duskSinceMs: number | undefined;
  let lastLieMs = Number.NEGATIVE_INFINITY;

  const nodesNow = () => {
    const { nodes } = world.chain;
    const answering = nodes.filter(({ faults }) => faults.fail === undefined);
    const lies = answering.some(({ faults }) => LIES.some((key) => Boolean(faults[key])));
    const honest = answering.some(({ faults }) => LIES.every((key) => !faults[key]));
    return { answering: answering.length, honest, lies };
  };

  /** Called with every look: what changes between two looks is not seen, so looks come with every act. */
  const refresh = (): void => {
    const nowMs = world.clock.monotonicMs();
    const { answering, honest, lies } = nodesNow();
    if (lies) lastLieMs = nowMs;
    const works = daemonWorks && honest && hostTroubles === 0;
    ableSinceMs = works ? (ableSinceMs ?? nowMs) : undefined;
    calmSinceMs = works && begun.size === 0 ? (calmSinceMs ?? nowMs) : undefined;
    darkSinceMs = answering === 0 ? (darkSinceMs ?? nowMs) : undefined;
    duskSinceMs = world.scenario.host.nodes > 1 && answering < 2 ? (duskSinceMs ?? nowMs) : undefined;
  };

  return {
    begin: (kind) => {
      const mark = Symbol(kind);
      const stops = kind === 'host' || kind === 'clock';
      begun.add(mark);
      if (stops) hostTroubles += 1;
      refresh();
      let over = false;
      return () => {
        if (over) return;
        over = true;
        begun.delete(mark);
        if (stops) hostTroubles -= 1;
        refresh();
      };
    },
    able: (on) => {
      daemonWorks = on;
    },
    seen: () => {
      refresh();
      const liar = world.clock.monotonicMs() - lastLieMs < liesLastMs(world.scenario.host.sweepEveryMs);
      return { ableSinceMs, calmSinceMs, darkSinceMs, duskSinceMs, liar };
    },
  };
};

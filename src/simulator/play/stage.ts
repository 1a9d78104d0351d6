import type { Act } from '../scenario/schema.ts';
import type { DaemonLife } from '../world/daemon.ts';
import type { WorldMachine } from '../world/machines.ts';
import type { World } from '../world/world.ts';
import type { Troubles } from './troubles.ts';

/** What acts work on. */
export interface Stage {
  readonly world: World;
  readonly troubles: Troubles;
  daemon(): DaemonLife | undefined;
  /** The daemon is gone and comes back after so long; `how` it went. */
  daemonDown(forMs: number, how: 'killed' | 'stopped'): void;
  dieAt(effect: number, when: 'before' | 'after', forMs: number): void;
  powerCut(forMs: number): void;
  tell(what: string): void;
}

/** One kind of act. */
export type Of<Name extends Act['do']> = Extract<Act, { do: Name }>;
export type Executors = { readonly [Name in Act['do']]: (stage: Stage, act: Of<Name>) => void };

/** People speak of machines by their names: of several, of which all but the last were never finished, the last is meant. */
export const machineAt = ({ world }: Stage, number: number): WorldMachine | undefined => {
  const machines = [...world.machines.values()];
  const drawn = machines[number % Math.max(1, machines.length)];
  return machines.filter(({ name }) => name === drawn?.name).at(-1);
};

export const after = ({ world }: Stage, ms: number, then: () => void): void => void world.clock.sleep(ms).then(then);

export const unixNow = ({ world }: Stage): bigint => world.chain.head().timestamp;

/** Sets something for a while, which counts as trouble of that kind for as long. */
export const forAWhile =
  (kind: 'node' | 'host' | 'passing', set: (stage: Stage, on: boolean) => void) =>
  (stage: Stage, { forMs }: { readonly forMs: number }): void => {
    set(stage, true);
    const end = stage.troubles.begin(kind);
    after(stage, forMs, () => {
      set(stage, false);
      end();
    });
  };

/** Nothing is wrong any more, and its effects last so long. */
export const passing = (stage: Stage, ms: number): void => {
  const end = stage.troubles.begin('passing');
  after(stage, ms, end);
};

/** Somebody did something to the machine just now: what follows from it takes its time. */
export const disturb = (stage: Stage, machine: WorldMachine): void => {
  machine.disturbedMs = stage.world.clock.monotonicMs();
};

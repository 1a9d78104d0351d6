import { appendFileSync, promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { EFFECTS } from '../../src/simulator/world/host-parts.ts';

/** The calls that change something outside, by the part of the host that they are made on; the journal's among them. */
const CHANGES: Readonly<Record<string, readonly string[]>> = { ...EFFECTS, journal: ['append'] };

/** Where a process kills itself (SIGKILL): at its n-th effect, before it happens or right after. */
export interface End {
  readonly at: number;
  readonly when: string;
}

export interface Dying {
  /** The same part; what changes something there is an effect. */
  traced<P extends object>(part: string, real: P): P;
  /** One effect. */
  effect<T>(what: string, work: () => Promise<T>): Promise<T>;
  /** From here on nothing is an effect: what follows is another life. */
  spare(): void;
}

/** Counts effects, writes each to `tracePath` before it happens, and kills the process at the one it is to die of. */
export const createDying = (tracePath: string, { at, when }: End): Dying => {
  let effects = 0;
  let spared = false;
  const dieAt = (moment: string, mine: boolean): void => {
    if (mine && when === moment) process.kill(process.pid, 'SIGKILL');
  };
  const effect = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    if (spared) return work();
    effects += 1;
    const mine = effects === at;
    appendFileSync(tracePath, `${what}\n`);
    dieAt('before', mine);
    try {
      return await work();
    } finally {
      // One that failed is over as well.
      dieAt('after', mine);
    }
  };
  return {
    effect,
    spare: () => {
      spared = true;
    },
    traced: (part, real) =>
      new Proxy(real, {
        get: (target, key) => {
          const call: unknown = Reflect.get(target, key);
          if (typeof call !== 'function' || !CHANGES[part]?.includes(String(key))) return call;
          return (...args: unknown[]): Promise<unknown> =>
            effect(`${part}.${String(key)}`, async () => Reflect.apply(call, target, args));
        },
      }),
  };
};

const real = { ...promises };

/** Quarantine takes and gives back several files, one after the other: each is an effect of its own. */
export const traceQuarantine = (directory: string, { effect }: Pick<Dying, 'effect'>): void => {
  const inside = (...given: readonly unknown[]): boolean => given.some((path) => String(path).startsWith(directory));
  Object.assign(promises, {
    rename: (from: string, to: string) =>
      inside(from, to) ? effect('quarantine.rename', () => real.rename(from, to)) : real.rename(from, to),
    rm: (path: string, options: object) =>
      inside(path) ? effect('quarantine.rm', () => real.rm(path, options)) : real.rm(path, options),
  });
  syncBuiltinESMExports();
};

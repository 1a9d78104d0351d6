import type { Clock } from '../../ports/clock.ts';
import type { VirtualClock } from '../time/virtual-clock.ts';

/** A call that changes something outside its process. */
export interface Effect {
  readonly by: string;
  /** `hypervisor.start`, `records.patch`, … */
  readonly what: string;
  readonly args: readonly unknown[];
  readonly startMs: number;
  endMs: number | undefined;
  failed: boolean;
}

/** Where a process is to die: at its n-th effect from now on, before it happens or right after. */
export interface Death {
  readonly at: number;
  readonly when: 'before' | 'after';
}

/** A program of the host that may be killed at any moment. Once dead, nothing that it waits for comes back to it. */
export interface Process {
  readonly name: string;
  readonly clock: Clock;
  isAlive(): boolean;
  /** SIGKILL, now. */
  kill(): void;
  /** SIGKILL at an effect that is still to come. */
  dieAt(death: Death, then: () => void): void;
  onDeath(then: () => void): void;
  /** Changes something outside, unless the process is dead, or dies of it. */
  perform<T>(what: string, args: readonly unknown[], call: () => Promise<T>): Promise<T>;
  /** The same part as this process sees it. `effects` are the calls that change something; others only look. */
  wrap<Part extends object>(name: string, part: Part, effects: readonly string[]): Part;
}

/** Calls that answer at once, and change nothing. */
const SYNCHRONOUS: ReadonlySet<string> = new Set([
  'state',
  'knows',
  'refForName',
  'refsForName',
  'health',
  'placesOf',
  'definitionOf',
  'readdressed',
  'network',
  'onOthers',
  'pool',
]);

const never = new Promise<never>(() => undefined);

export interface ProcessDeps {
  readonly clock: VirtualClock;
  /** How long an effect of this kind takes, in milliseconds. */
  readonly tookMs: (what: string) => number;
  readonly onEffect: (effect: Effect) => void;
}

export const createProcess = (name: string, { clock, tookMs, onEffect }: ProcessDeps): Process => {
  const own = clock.processClock();
  const atDeath: (() => void)[] = [];
  let alive = true;
  let left = Number.POSITIVE_INFINITY;
  let when: Death['when'] = 'before';

  const kill = (): void => {
    if (!alive) return;
    alive = false;
    own.kill();
    for (const then of atDeath) then();
  };

  const perform = async (what: string, args: readonly unknown[], call: () => unknown): Promise<unknown> => {
    const took = tookMs(what);
    if (took > 0) await own.sleep(took);
    left -= 1;
    const last = left === 0;
    if (last && when === 'before') {
      kill();
      return never;
    }
    const effect: Effect = { by: name, what, args, startMs: clock.monotonicMs(), endMs: undefined, failed: false };
    onEffect(effect);
    try {
      return await call();
    } catch (error) {
      effect.failed = true;
      throw error;
    } finally {
      effect.endMs = clock.monotonicMs();
      if (last) kill();
    }
  };

  const look = async (what: string, call: () => Promise<unknown>): Promise<unknown> => {
    const took = tookMs(what);
    if (took > 0) await own.sleep(took);
    return call();
  };

  /** Neither a result nor an error reaches a process that has died meanwhile. */
  const unlessDead = (result: Promise<unknown>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      result.then(
        (value) => void (alive && resolve(value)),
        (error: unknown) => void (alive && reject(error)),
      );
    });

  return {
    name,
    clock: own,
    isAlive: () => alive,
    kill,
    dieAt: (death, then) => {
      left = death.at;
      when = death.when;
      atDeath.push(then);
    },
    onDeath: (then) => void atDeath.push(then),
    perform: <T>(what: string, args: readonly unknown[], call: () => Promise<T>) =>
      alive ? (unlessDead(perform(what, args, call)) as Promise<T>) : never,
    wrap: (part, real, effects) => {
      const changes = new Set(effects);
      const calls = new Map<string | symbol, unknown>();
      const asSeen = (key: string | symbol): unknown => {
        const call: unknown = Reflect.get(real, key);
        if (typeof call !== 'function' || SYNCHRONOUS.has(String(key))) return call;
        const what = `${part}.${String(key)}`;
        const isEffect = changes.has(String(key));
        return (...args: unknown[]): Promise<unknown> => {
          if (!alive) return never;
          // Looked up anew: what a host does with a call changes with its weather.
          const body = async (): Promise<unknown> =>
            (Reflect.get(real, key) as (...args: unknown[]) => unknown).apply(real, args);
          return unlessDead(isEffect ? perform(what, args, body) : look(what, body));
        };
      };
      return new Proxy(real, {
        get: (_, key) => {
          if (!calls.has(key)) calls.set(key, asSeen(key));
          return calls.get(key);
        },
      });
    },
  };
};

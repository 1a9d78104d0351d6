import type { Sight } from '../../../src/simulator/invariants/sight.ts';

/** What is wrong with the world at the moment, all of it our own doing, so that nobody is blamed for what he could not do. */
export interface Weather {
  /** Something begins that others must bear; returns how it ends, and for how long it is felt. */
  begin(kind: Trouble): (feltMs: number) => void;
  /** The weather now, as the rules ask for it. */
  seen(): Pick<Sight, 'ableSinceMs' | 'calmSinceMs' | 'darkSinceMs' | 'duskSinceMs' | 'liar'>;
  /** Is nothing of this kind under way? */
  free(kind: Trouble): boolean;
}

/**
 * `daemon` and `libvirt`: nobody can act. `endpoint`: one of the two does not answer. `passing`: something that is felt
 * for a while, and lets everybody work.
 */
export type Trouble = 'daemon' | 'libvirt' | 'endpoint' | 'passing';

/** `nowMs` is the time of the sights. */
export const createWeather = (nowMs: () => number): Weather => {
  const begun = new Map<symbol, Trouble>();
  let feltUntilMs = 0;
  let [able, calm, dark, dusk]: (number | undefined)[] = [];

  const count = (kind: Trouble): number => [...begun.values()].filter((each) => each === kind).length;
  const since = (holds: boolean, before: number | undefined): number | undefined =>
    holds ? (before ?? nowMs()) : undefined;
  const refresh = (): void => {
    const away = count('endpoint');
    const works = count('daemon') === 0 && count('libvirt') === 0 && away < 2;
    able = since(works, able);
    calm = since(works && begun.size === 0 && nowMs() >= feltUntilMs, calm);
    dark = since(away >= 2, dark);
    dusk = since(away >= 1, dusk);
  };

  return {
    begin: (kind) => {
      const mark = Symbol(kind);
      begun.set(mark, kind);
      refresh();
      return (feltMs) => {
        if (!begun.delete(mark)) return;
        feltUntilMs = Math.max(feltUntilMs, nowMs() + feltMs);
        refresh();
      };
    },
    seen: () => {
      refresh();
      return { ableSinceMs: able, calmSinceMs: calm, darkSinceMs: dark, duskSinceMs: dusk, liar: false };
    },
    free: (kind) => count(kind) === 0,
  };
};

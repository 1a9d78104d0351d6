import { setTimeout as sleep } from 'node:timers/promises';

/** What the observer found at one look. */
export interface Seen {
  readonly ok: boolean;
  /** In words, for the table: also when it is not what was wanted. */
  readonly saw: string;
  /** When it came about, where something says so better than the moment of the look. */
  readonly atMs?: number;
}

/** One line of the table. */
export interface SceneResult {
  readonly scene: number;
  readonly expected: string;
  readonly observed: string;
  readonly ok: boolean;
  /** The longest of the scene's latencies, each from what made an act due to its effect; null where nothing came about. */
  readonly latencyMs: number | null;
}

interface Becomes {
  readonly withinMs: number;
  /** When it became due: a block's time, an expiry, a libvirt event. With it the latency is taken. */
  readonly dueAtMs?: number;
}

/** Collects what one scene expects and what was observed of it. */
export interface Claims {
  /** Looks until it is so, for a limited time; ends the scene where it never is. Resolves to when it came about. */
  becomes(expected: string, look: () => Promise<Seen>, limits: Becomes): Promise<number>;
  /** Looks again and again for this long; ends the scene at the first look that finds it otherwise. */
  stays(expected: string, look: () => Promise<Seen>, forMs: number): Promise<void>;
  is(expected: string, seen: Seen): void;
  /** What is being waited for now. */
  pending(): string | undefined;
  result(trouble?: string): SceneResult;
}

/** Ends a scene whose claim did not hold; the claim itself is noted already. */
export class ClaimFailedError extends Error {
  override readonly name = 'ClaimFailedError';
}

const LOOK_EVERY_MS = 150;

/** A look that cannot be made now (a guest that is just starting, say) is not what was wanted, no more. */
const attempt = async (look: () => Promise<Seen>): Promise<Seen> => {
  try {
    return await look();
  } catch (error) {
    return {
      ok: false,
      saw: `could not look: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    };
  }
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export const createClaims = (scene: number): Claims => {
  const notes: { expected: string; observed: string; ok: boolean; latencyMs?: number }[] = [];
  let waitingFor: string | undefined;

  const note = (expected: string, seen: Seen, latencyMs?: number): void => {
    const took = latencyMs === undefined ? '' : ` after ${seconds(latencyMs)}`;
    notes.push({
      expected,
      ok: seen.ok,
      observed: `${seen.saw}${took}`,
      ...(latencyMs === undefined ? {} : { latencyMs }),
    });
    if (!seen.ok) throw new ClaimFailedError(`${expected}: ${seen.saw}`);
  };

  return {
    becomes: async (expected, look, { withinMs, dueAtMs }) => {
      waitingFor = expected;
      const deadlineMs = Date.now() + withinMs;
      let seen = await attempt(look);
      while (!seen.ok && Date.now() < deadlineMs) {
        await sleep(LOOK_EVERY_MS);
        seen = await attempt(look);
      }
      waitingFor = undefined;
      const atMs = seen.atMs ?? Date.now();
      if (seen.ok) note(expected, seen, dueAtMs === undefined ? undefined : Math.max(0, Math.round(atMs - dueAtMs)));
      else note(expected, { ok: false, saw: `NOT within ${seconds(withinMs)}: ${seen.saw}` });
      return atMs;
    },
    stays: async (expected, look, forMs) => {
      waitingFor = expected;
      const deadlineMs = Date.now() + forMs;
      let seen = await look();
      while (seen.ok && Date.now() < deadlineMs) {
        await sleep(LOOK_EVERY_MS);
        seen = await look();
      }
      waitingFor = undefined;
      note(expected, { ...seen, saw: seen.ok ? `${seen.saw} for ${seconds(forMs)}` : seen.saw });
    },
    is: note,
    pending: () => waitingFor,
    result: (trouble) => {
      const latencies = notes.flatMap(({ latencyMs }) => (latencyMs === undefined ? [] : [latencyMs]));
      const observed = [...notes.map((one) => one.observed), ...(trouble === undefined ? [] : [`TROUBLE: ${trouble}`])];
      return {
        scene,
        expected: notes.map((one) => one.expected).join('; ') || 'it begins',
        observed: observed.join('; '),
        ok: trouble === undefined && notes.length > 0 && notes.every((one) => one.ok),
        latencyMs: latencies.length === 0 ? null : Math.max(...latencies),
      };
    },
  };
};

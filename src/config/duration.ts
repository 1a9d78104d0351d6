import * as z from 'zod';

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
type Unit = keyof typeof UNITS;

const SHAPE = /^(\d{1,15})\s*(ms|s|m|h|d|w)$/;

/** Ten years: nothing that this program waits for is longer, and every sum of two such durations stays exact. */
export const LONGEST_MS = 3650 * UNITS.d;

/**
 * Milliseconds in a duration such as `90s`, `15m`, `24h`, `7d` (also `500ms` and `2w`); undefined where the text is none.
 * A number without a unit is none, except 0: whether 30 means seconds or days is not for us to guess.
 */
export const parseDuration = (value: unknown): number | undefined => {
  if (value === 0 || value === '0') return 0;
  if (typeof value !== 'string') return undefined;
  const match = SHAPE.exec(value.trim());
  if (match === null) return undefined;
  const ms = Number(match[1]) * UNITS[match[2] as Unit];
  return ms <= LONGEST_MS ? ms : undefined;
};

/** The shortest exact spelling of a duration, in the form that `parseDuration` reads. */
export const formatDuration = (ms: number): string => {
  if (ms === 0) return '0s';
  const unit = (['d', 'h', 'm', 's'] as const).find((candidate) => ms % UNITS[candidate] === 0) ?? 'ms';
  return `${ms / UNITS[unit]}${unit}`;
};

/** A schema for a duration within bounds; its output is milliseconds. */
export const duration = (bounds: { readonly minMs?: number; readonly maxMs?: number } = {}): z.ZodType<number> => {
  const { minMs = 0, maxMs = LONGEST_MS } = bounds;
  const wanted = `a duration such as 90s, 15m, 24h or 7d, from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return z.union([z.string(), z.number()], { error: wanted }).transform((value, context) => {
    const ms = parseDuration(value);
    if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
    context.addIssue({ code: 'custom', message: wanted });
    return z.NEVER;
  });
};

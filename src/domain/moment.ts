/** A moment for people: `2026-11-21T03:05:35Z`, or far away. */
export const moment = (unixMs: number): string =>
  Math.abs(unixMs) >= 8_640_000_000_000_000 ? 'the end of time' : new Date(unixMs).toISOString().replace('.000Z', 'Z');

/** The same of unix seconds, of any size. */
export const momentOfSeconds = (unix: bigint): string =>
  moment(unix > 8_640_000_000_000n ? Number.MAX_SAFE_INTEGER : Number(unix) * 1000);

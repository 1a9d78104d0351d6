import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../src/ports/clock.ts';
import { put } from './file-guest.ts';

/** A clock in a file: it stands still while anybody works, and what one process has waited is past for the next. */
export interface FileClock extends Clock {
  advance(ms: number): void;
}

/** Waits of that length are somebody's patience with an answer; ended by a signal, they cost no time at all. */
const PATIENCE_MS = 10_000;
/** The others last so much shorter for the processor than by the clock. */
const FASTER = 50;

export const createFileClock = (dir: string, startUnixMs: number): FileClock => {
  const path = join(dir, 'clock');
  let nowUnixMs = existsSync(path) ? Number(readFileSync(path, 'utf8')) : startUnixMs;
  const advance = (ms: number): void => {
    nowUnixMs += ms;
    put(path, String(nowUnixMs));
  };
  return {
    nowUnixMs: () => nowUnixMs,
    monotonicMs: () => nowUnixMs,
    advance,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const untilUnixMs = nowUnixMs + ms;
        const timer = setTimeout(
          () => {
            signal?.removeEventListener('abort', abort);
            advance(Math.max(0, untilUnixMs - nowUnixMs));
            resolve();
          },
          ms < PATIENCE_MS ? ms / FASTER : ms,
        );
        const abort = (): void => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', abort, { once: true });
      }),
  };
};

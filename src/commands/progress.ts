import type { Clock } from '../ports/clock.ts';
import type { BuildReport } from '../ports/template-workshop.ts';

export interface ProgressOptions {
  readonly stream: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

export interface Progress extends BuildReport {
  /** Leaves the cursor at the beginning of an empty line. */
  end(): void;
}

/** A terminal sees a bar that moves; a file gets a line now and then. */
const BAR_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;
const BAR_CELLS = 30;

/** Tells how something long goes on: a bar on a terminal, plain lines elsewhere. */
export const createProgress = ({ stream, clock }: ProgressOptions): Progress => {
  const terminal = stream.isTTY === true;
  const startedMs = clock.monotonicMs();
  let bar = false;
  let shownMs = Number.NEGATIVE_INFINITY;
  const end = (): void => {
    if (bar) stream.write('\n');
    bar = false;
  };
  const line = (text: string): void => {
    end();
    stream.write(`${printable(text)}\n`);
  };
  return {
    end,
    step: (text) => line(`[${((clock.monotonicMs() - startedMs) / 1000).toFixed(0).padStart(4)} s] ${text}`),
    detail: (text) => line(`         ${text}`),
    bytes: (done, total) => {
      const nowMs = clock.monotonicMs();
      const whole = done === total;
      if (nowMs - shownMs < (terminal ? BAR_EVERY_MS : LINE_EVERY_MS) && !whole) return;
      shownMs = nowMs;
      if (!terminal) return line(`         ${amountOf(done, total)}`);
      stream.write(`\r         ${barOf(done, total)} ${amountOf(done, total)}\u001b[K`);
      bar = true;
    },
  };
};

const barOf = (done: number, total: number | undefined): string => {
  if (total === undefined || total === 0) return '';
  const cells = Math.min(BAR_CELLS, Math.floor((done / total) * BAR_CELLS));
  return `[${'#'.repeat(cells)}${'.'.repeat(BAR_CELLS - cells)}]`;
};

const amountOf = (done: number, total: number | undefined): string => {
  const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1);
  if (total === undefined || total === 0) return `${mib(done)} MiB`;
  return `${mib(done)} of ${mib(total)} MiB (${Math.floor((done / total) * 100)} %)`;
};

/** What programs print may hold a terminal's control sequences. */
const printable = (text: string): string => text.replace(/[^\P{Cc}\t]/gu, '');

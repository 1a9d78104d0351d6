import { BlockhostError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';

/** The connection, or the server for now, failed: worth another try. */
export class DownloadCut extends BlockhostError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'template-download-cut', retryable: true, cause });
  }
}

/** What a server sends. */
export interface Answer {
  /** The offset of the first byte. */
  readonly from: number;
  /** Size of the whole file; undefined where the server does not say. */
  readonly total: number | undefined;
  /** Its bytes. Throws `DownloadCut` where they end too early or none come for too long. */
  chunks(): AsyncGenerator<Uint8Array>;
}

export interface AskOptions {
  readonly signal: AbortSignal;
  readonly stallMs: number;
  readonly clock: Pick<Clock, 'sleep'>;
}

/**
 * Asks for a file from byte `from` on; the answer may begin at 0 all the same. Throws `DownloadCut` where another try may
 * help and `BlockhostError` where none does.
 */
export const ask = async (url: string, from: number, options: AskOptions): Promise<Answer> => {
  const controller = new AbortController();
  const stop = (): void => controller.abort(options.signal.reason);
  options.signal.addEventListener('abort', stop, { once: true });
  const watch = createWatch(options, () => controller.abort(new Error('nothing came for too long')));
  const done = (): void => {
    watch.end();
    options.signal.removeEventListener('abort', stop);
  };
  try {
    const headers = { 'accept-encoding': 'identity', ...(from > 0 ? { range: `bytes=${from}-` } : {}) };
    const response = await fetch(url, { headers, signal: controller.signal, redirect: 'follow' }).catch(
      (error: unknown) => {
        throw new DownloadCut(`the server cannot be reached (${reasonOf(error)})`, error);
      },
    );
    if (response.status === 416 && from > 0 && sizeBeyond(response) !== from) {
      // What is there is longer than what the server has: of another file.
      await response.body?.cancel();
      done();
      return await ask(url, 0, options);
    }
    const { start, total } = await rangeOf(response, url, from);
    return { from: start, total, chunks: () => chunksOf(response, watch, done) };
  } catch (error) {
    done();
    controller.abort();
    throw error;
  }
};

async function* chunksOf(response: Response, watch: Watch, done: () => void): AsyncGenerator<Uint8Array> {
  try {
    if (response.body === null) return;
    for await (const chunk of response.body) {
      watch.seen();
      yield chunk as Uint8Array;
    }
  } catch (error) {
    throw new DownloadCut(`the connection broke (${reasonOf(error)})`, error);
  } finally {
    done();
  }
}

const rangeOf = async (
  response: Response,
  url: string,
  from: number,
): Promise<{ start: number; total: number | undefined }> => {
  const { status, headers } = response;
  if (status === 200) return { start: 0, total: sizeIn(headers.get('content-length')) };
  if (status === 206) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (Number(start) === from) return { start: from, total: sizeIn(total) };
    throw new DownloadCut('the server sent another part than was asked for');
  }
  await response.body?.cancel();
  // All of it is there already; its digest will tell.
  if (status === 416 && from > 0) return { start: from, total: from };
  if (status === 408 || status === 429 || status >= 500) throw new DownloadCut(`the server answers ${status}`);
  throw new BlockhostError(`cannot download ${url}: the server answers ${status}`, {
    code: 'template-download',
    retryable: false,
    hint: status === 404 ? 'publishers remove old images; look for the current one' : 'look at the URL with a browser',
  });
};

const sizeBeyond = ({ headers }: Response): number | undefined =>
  sizeIn(/^bytes \*\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]);

const sizeIn = (text: string | null | undefined): number | undefined =>
  text !== null && text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
};

interface Watch {
  seen(): void;
  end(): void;
}

/** Calls `onStall` once when nothing was seen for `stallMs`. */
const createWatch = ({ stallMs, clock }: AskOptions, onStall: () => void): Watch => {
  const over = new AbortController();
  let alive = false;
  const look = async (): Promise<void> => {
    do {
      alive = false;
      await clock.sleep(stallMs, over.signal);
    } while (alive);
    onStall();
  };
  look().catch(() => undefined); // ended before its time
  const seen = (): void => {
    alive = true;
  };
  return { seen, end: () => over.abort() };
};

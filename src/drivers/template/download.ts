import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { BlockhostError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Answer, ask, DownloadCut } from './download-request.ts';
import { hashFile } from './local-packages.ts';

export interface DownloadOptions {
  readonly url: string;
  /** `sha256:HEX` or `sha512:HEX`. */
  readonly checksum: string;
  /** Where the whole file will lie; what is not yet whole lies beside it, as `<path>.part`. */
  readonly path: string;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly signal: AbortSignal;
  readonly onBytes: (done: number, total: number | undefined) => void;
  readonly tell: (text: string) => void;
  /** Called with what is still to come, before it comes; throws where there is no room for it. */
  readonly expect: (bytes: number) => Promise<void>;
  /** A server that sends nothing for so long has gone. */
  readonly stallMs?: number;
  readonly retryMs?: number;
}

/** In a row without one byte more. */
const MOST_FAILURES = 5;
const RETRY_MS = 2_000;
const STALL_MS = 60_000;

/**
 * Fetches a file that has to have a known digest; goes on where an earlier call, or an earlier process, was cut off. The
 * file is there under its name only when it is whole and right. Throws `BlockhostError`; a part of it may stay then.
 */
export const download = async (options: DownloadOptions): Promise<void> => {
  if (await isWhole(options.path, options.checksum)) return;
  const part = `${options.path}.part`;
  const resumed = await fetchAll(part, options);
  if (await isWhole(part, options.checksum)) return rename(part, options.path);
  await rm(part, { force: true });
  // Two publications of one name make a file that nobody published; from its beginning it may well be right.
  if (resumed) {
    options.tell('what was there before and what came now do not fit together: once more from the beginning');
    await fetchAll(part, options);
    if (await isWhole(part, options.checksum)) return rename(part, options.path);
    await rm(part, { force: true });
  }
  throw new BlockhostError(`${options.url} is not the image with checksum ${options.checksum}`, {
    code: 'template-checksum',
    retryable: false,
    hint: 'take the checksum that its publisher gives for this very file; nothing of it was kept',
  });
};

const isWhole = async (path: string, checksum: string): Promise<boolean> => {
  const [algorithm = '', wanted] = checksum.split(':');
  return (await hashFile(path, algorithm === 'sha512' ? 'sha512' : 'sha256').catch(() => undefined)) === wanted;
};

/** Resolves to whether it went on with something that was there before. */
const fetchAll = async (part: string, options: DownloadOptions): Promise<boolean> => {
  const { clock, signal, tell } = options;
  const file = await open(part, 'a+');
  try {
    const before = (await file.stat()).size;
    let resumed = before > 0;
    for (let failures = 0; ; ) {
      const { size } = await file.stat();
      try {
        const answer = await ask(options.url, size, { signal, stallMs: options.stallMs ?? STALL_MS, clock });
        if (answer.from === 0 && size > 0) {
          await file.truncate(0);
          resumed = false;
        }
        await take(answer, file, options);
        return resumed;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof DownloadCut)) throw error;
        failures = (await file.stat()).size > size ? 1 : failures + 1;
        if (failures >= MOST_FAILURES) throw gaveUp(options.url, error);
        tell(`${error.message}; trying again`);
        await clock.sleep((options.retryMs ?? RETRY_MS) * 2 ** (failures - 1), signal);
      }
    }
  } finally {
    await file.close();
  }
};

const take = async (answer: Answer, file: FileHandle, { onBytes, expect }: DownloadOptions): Promise<void> => {
  let done = answer.from;
  if (answer.total !== undefined) await expect(answer.total - done);
  onBytes(done, answer.total);
  for await (const chunk of answer.chunks()) {
    await file.write(chunk);
    done += chunk.length;
    onBytes(done, answer.total);
  }
  await file.sync();
  if (answer.total !== undefined && done !== answer.total) {
    throw new DownloadCut(`the download ended after ${done} of ${answer.total} bytes`);
  }
};

const gaveUp = (url: string, cause: DownloadCut): BlockhostError =>
  new BlockhostError(`cannot download ${url}: ${cause.message}`, {
    code: 'template-download',
    retryable: true,
    hint: 'start it again later, it goes on where it was; or bring the file and say --image FILE',
    cause,
  });

/** The name of a download: the same for the same content, whatever its URL. */
export const downloadName = (checksum: string): string =>
  createHash('sha256').update(checksum).digest('hex').slice(0, 32);

import * as z from 'zod';
import type { Uuid } from '../../domain/identity.ts';
import type { Clock } from '../../ports/clock.ts';
import { type AskAgent, answerTimeoutMs } from './agent-channel.ts';

/** Files inside a guest, in pieces that fit the agent's messages. */
export interface GuestFiles {
  /** Fills a file that is there. */
  write(uuid: Uuid, path: string, bytes: Buffer): Promise<void>;
  /** The first `maxBytes` of a file. */
  read(uuid: Uuid, path: string, maxBytes: number): Promise<Buffer>;
}

/** In base64 and with what stands around it below the limit of one request. */
const WRITE_PIECE_BYTES = 2_880;
/** libvirt loses answers beyond 4 MiB of text, and a piece should not hold up what else is asked. */
const READ_PIECE_BYTES = 512 * 1024;

const handleSchema = z.int();
const pieceSchema = z.object({ count: z.int(), 'buf-b64': z.base64(), eof: z.boolean() });

export const createGuestFiles = (deps: {
  readonly ask: AskAgent;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}): GuestFiles => {
  const ask = <T>(uuid: Uuid, execute: string, args: object, answer: z.ZodType<T>): Promise<T> =>
    deps.ask(uuid, { execute, arguments: args }, answer, deps.clock.monotonicMs() + answerTimeoutMs);

  const withFile = async <T>(
    uuid: Uuid,
    path: string,
    mode: 'r' | 'w',
    body: (handle: number) => Promise<T>,
  ): Promise<T> => {
    const handle = await ask(uuid, 'guest-file-open', { path, mode }, handleSchema);
    try {
      return await body(handle);
    } finally {
      await ask(uuid, 'guest-file-close', { handle }, z.unknown());
    }
  };

  return {
    write: (uuid, path, bytes) =>
      withFile(uuid, path, 'w', async (handle) => {
        for (let at = 0; at < bytes.length; ) {
          const piece = bytes.subarray(at, at + WRITE_PIECE_BYTES).toString('base64');
          const args = { handle, 'buf-b64': piece };
          at += (await ask(uuid, 'guest-file-write', args, z.object({ count: z.int().positive() }))).count;
        }
      }),
    read: (uuid, path, maxBytes) =>
      withFile(uuid, path, 'r', async (handle) => {
        const pieces: Buffer[] = [];
        for (let left = maxBytes; left > 0; ) {
          const count = Math.min(left, READ_PIECE_BYTES);
          const piece = await ask(uuid, 'guest-file-read', { handle, count }, pieceSchema);
          const bytes = Buffer.from(piece['buf-b64'], 'base64').subarray(0, count);
          pieces.push(bytes);
          left -= bytes.length;
          if (piece.eof || bytes.length === 0) break;
        }
        return Buffer.concat(pieces);
      }),
  };
};

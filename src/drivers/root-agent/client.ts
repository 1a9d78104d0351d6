import { connect } from 'node:net';
import * as z from 'zod';
import { RootAgentError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { isErrno } from '../files/shared-ownership.ts';
import { decodeFrame, encodeFrame } from './frames.ts';

export interface RootAgentDeps {
  readonly socketPath: string;
  readonly clock: Clock;
  /** For the whole exchange: the agent serves one caller at a time, and whoever is before us may take its time. */
  readonly timeoutMs: number;
}

/** One request and its answer, over a connection of its own. */
export type AskRootAgent = (
  action: string,
  params: Readonly<Record<string, unknown>>,
) => Promise<Readonly<Record<string, unknown>>>;

const answerSchema = z.union([
  z.looseObject({ ok: z.literal(true) }),
  z.looseObject({ ok: z.literal(false), error: z.string().optional() }),
]);

/**
 * Speaks to the host's root agent. Resolves with what it answered; rejects with `RootAgentError`: `root-agent-refused` (not
 * retryable) where it says no, else retryable.
 */
export const createRootAgent =
  ({ socketPath, clock, timeoutMs }: RootAgentDeps): AskRootAgent =>
  async (action, params) => {
    const parsed = answerSchema.safeParse(
      await exchange(socketPath, encodeFrame({ action, params }), clock, timeoutMs),
    );
    if (!parsed.success) throw silent('its answer has no "ok"');
    if (parsed.data.ok) return parsed.data;
    throw new RootAgentError(`the root agent refuses ${action}: ${parsed.data.error ?? 'it does not say why'}`, {
      code: 'root-agent-refused',
      retryable: false,
      hint: 'see its log: journalctl -u blockhost-root-agent',
    });
  };

/** A queue of callers that is full refuses at once; there is room again as soon as one has been served. */
const FULL_QUEUE = 'EAGAIN';
const RETRY_MS = 50;

const exchange = async (path: string, request: Buffer, clock: Clock, timeoutMs: number): Promise<unknown> => {
  const deadline = clock.monotonicMs() + timeoutMs;
  for (;;) {
    const outcome = await exchangeOnce(path, request, clock, Math.max(1, deadline - clock.monotonicMs()));
    if (outcome !== FULL_QUEUE) return outcome.message;
    if (clock.monotonicMs() + RETRY_MS > deadline) throw silent(`its queue was full for ${timeoutMs} ms`);
    await clock.sleep(RETRY_MS);
  }
};

type Outcome = { readonly message: unknown } | typeof FULL_QUEUE;

const exchangeOnce = (path: string, request: Buffer, clock: Clock, timeoutMs: number): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const over = new AbortController();
    const socket = connect(path);
    let received = Buffer.alloc(0);
    const end = (settle: () => void): void => {
      over.abort();
      socket.destroy();
      settle();
    };
    clock.sleep(timeoutMs, over.signal).then(
      () => end(() => reject(silent(`no answer within ${Math.round(timeoutMs)} ms`))),
      () => undefined, // answered in time
    );
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      try {
        const frame = decodeFrame(received);
        if (frame !== undefined) end(() => resolve(frame));
      } catch (error) {
        end(() => reject(error));
      }
    });
    socket.on('error', (error) =>
      end(() => (isErrno(error, FULL_QUEUE) ? resolve(FULL_QUEUE) : reject(silent(error.message)))),
    );
    socket.on('close', () => end(() => reject(silent('it closed the connection without a word'))));
  });

const silent = (what: string): RootAgentError =>
  new RootAgentError(`the root agent does not answer: ${what}`, {
    code: 'root-agent-unreachable',
    retryable: true,
    hint: 'systemctl status blockhost-root-agent',
  });

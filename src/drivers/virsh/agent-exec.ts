import * as z from 'zod';
import { GuestAgentError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AskAgent } from './agent-channel.ts';

const pollEveryMs = [50, 100, 200, 400] as const;

/** What a program in a guest left behind, byte for byte. */
export interface ProgramEnd {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Runs a program in the guest; what it prints must fit one answer of the agent. */
export type RunInGuest = (uuid: Uuid, argv: readonly string[], deadlineMs: number) => Promise<ProgramEnd>;

/** Makes what starts programs through the agent and waits for their end. */
export const createAgentExec = ({
  ask,
  clock,
}: {
  readonly ask: AskAgent;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
}): RunInGuest => {
  /** Asks until the program has ended: the agent does not tell by itself. */
  const outcome = async (uuid: Uuid, pid: number, deadlineMs: number): Promise<ExecStatus> => {
    for (let round = 0; ; round++) {
      const request = { execute: 'guest-exec-status', arguments: { pid } };
      const status = await ask(uuid, request, statusSchema, deadlineMs);
      if (status.exited) return status;
      const pauseMs = pollEveryMs[Math.min(round, pollEveryMs.length - 1)] ?? 400;
      if (clock.monotonicMs() + pauseMs > deadlineMs) throw stillRuns(uuid, pid);
      await clock.sleep(pauseMs);
    }
  };

  return async (uuid, [path, ...arg], deadlineMs) => {
    const { pid } = await ask(uuid, execRequest([path ?? '', ...arg]), z.object({ pid: z.int() }), deadlineMs);
    const status = await outcome(uuid, pid, deadlineMs);
    return {
      exitCode: status.exitcode ?? 128 + (status.signal ?? 0),
      stdout: Buffer.from(status['out-data'] ?? '', 'base64'),
      stderr: Buffer.from(status['err-data'] ?? '', 'base64'),
    };
  };
};

/** The message that runs a program. */
export const execRequest = ([path = '', ...arg]: readonly string[]): object => ({
  execute: 'guest-exec',
  arguments: { path, arg, 'capture-output': true },
});

const statusSchema = z.object({
  exited: z.boolean(),
  exitcode: z.int().optional(),
  signal: z.int().optional(),
  'out-data': z.base64().optional(),
  'err-data': z.base64().optional(),
});
type ExecStatus = z.infer<typeof statusSchema>;

const stillRuns = (uuid: Uuid, pid: number): GuestAgentError =>
  new GuestAgentError(`process ${pid} in ${uuid} still runs at its deadline`, {
    code: 'guest-still-runs',
    retryable: true,
  });

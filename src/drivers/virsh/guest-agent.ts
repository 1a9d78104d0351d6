import * as z from 'zod';
import { GuestAgentError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { GuestAgent } from '../../ports/hypervisor.ts';
import { agentError, payloadTooLarge } from './guest-agent-error.ts';
import type { VirshShells } from './shells.ts';

export interface GuestAgentDeps {
  readonly shells: Pick<VirshShells, 'agent'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
}

/** What one message to an agent may hold; beyond about this size agents in the field do not answer. */
const maxRequestCharacters = 4096;
/** How long libvirt waits for the agent to answer one message, which is quick or not at all. */
const answerTimeoutMs = 5_000;
/** virsh itself may need a moment more than the agent. */
const virshMarginMs = 5_000;
const pollEveryMs = [50, 100, 200, 400] as const;

/** The guest agent through libvirt. What a guest answers is a stranger's word: it is read by a schema. */
export const createGuestAgent = ({ shells, clock }: GuestAgentDeps): GuestAgent => {
  const ask = async <T>(uuid: Uuid, request: object, answer: z.ZodType<T>, deadlineMs: number): Promise<T> => {
    const json = asciiJson(request);
    if (json.length > maxRequestCharacters) throw payloadTooLarge(uuid, json.length, maxRequestCharacters);
    const leftMs = Math.min(answerTimeoutMs, deadlineMs - clock.monotonicMs());
    const seconds = Math.max(1, Math.ceil(leftMs / 1000));
    const argv = ['qemu-agent-command', uuid, '--timeout', String(seconds), json];
    const result = await shells.agent(argv, { timeoutMs: seconds * 1000 + virshMarginMs });
    if (!result.ok) throw agentError(uuid, result);
    const parsed = z.object({ return: answer }).safeParse(parseJson(result.stdout));
    if (parsed.success) return parsed.data.return;
    throw new GuestAgentError(`the agent in ${uuid} answered what cannot be read`, {
      code: 'agent-garbage',
      retryable: true,
    });
  };

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

  return {
    ping: (uuid) =>
      ask(uuid, { execute: 'guest-ping' }, z.unknown(), clock.monotonicMs() + answerTimeoutMs).then(
        () => true,
        () => false,
      ),
    exec: async (uuid, [path, ...arg], { timeoutMs }) => {
      const deadlineMs = clock.monotonicMs() + timeoutMs;
      const request = { execute: 'guest-exec', arguments: { path, arg, 'capture-output': true } };
      const { pid } = await ask(uuid, request, z.object({ pid: z.int() }), deadlineMs);
      const status = await outcome(uuid, pid, deadlineMs);
      return {
        exitCode: status.exitcode ?? 128 + (status.signal ?? 0),
        stdout: fromBase64(status['out-data']),
        stderr: fromBase64(status['err-data']),
      };
    },
  };
};

const statusSchema = z.object({
  exited: z.boolean(),
  exitcode: z.int().optional(),
  signal: z.int().optional(),
  'out-data': z.base64().optional(),
  'err-data': z.base64().optional(),
});
type ExecStatus = z.infer<typeof statusSchema>;

// Escaped to ASCII, so that no locale on the way can change a byte; what a name holds is data to the guest's JSON parser.
const asciiJson = (value: object): string =>
  JSON.stringify(value).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const fromBase64 = (data = ''): string => Buffer.from(data, 'base64').toString('utf8');

const stillRuns = (uuid: Uuid, pid: number): GuestAgentError =>
  new GuestAgentError(`process ${pid} in ${uuid} still runs at its deadline`, {
    code: 'agent-timeout',
    retryable: true,
  });

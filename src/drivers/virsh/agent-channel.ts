import * as z from 'zod';
import { GuestAgentError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Clock } from '../../ports/clock.ts';
import { agentError, payloadTooLarge } from './guest-agent-error.ts';
import type { VirshShells } from './shells.ts';

export interface AgentChannelDeps {
  readonly shells: Pick<VirshShells, 'agent'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
}

/** Sends one message to the agent in a guest and reads the answer by a schema: it is a stranger's word. */
export type AskAgent = <T>(uuid: Uuid, request: object, answer: z.ZodType<T>, deadlineMs: number) => Promise<T>;

/** What one message to an agent may hold; beyond about this size agents in the field do not answer. */
const maxRequestCharacters = 4096;
/** How long libvirt waits for the agent to answer one message, which is quick or not at all. */
export const answerTimeoutMs = 5_000;
/** virsh itself may need a moment more than the agent. */
const virshMarginMs = 5_000;

/** Is the message short enough for one request? */
export const fitsOneRequest = (request: object): boolean => asciiJson(request).length <= maxRequestCharacters;

/** The agents' channels through libvirt; `deadlineMs` is on the monotonic clock. */
export const createAgentChannel =
  ({ shells, clock }: AgentChannelDeps): AskAgent =>
  async (uuid, request, answer, deadlineMs) => {
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

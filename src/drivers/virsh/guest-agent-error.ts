import { GuestAgentError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import { isConnectionFailure, type VirshResult } from './virsh-result.ts';

/** Says why an agent did not answer, from a result that is not `ok`. */
export const agentError = (uuid: Uuid, result: VirshResult): GuestAgentError => {
  const said = result.stderr
    .replace(/^error: /gm, '')
    .trim()
    .slice(0, 300);
  const cause = new Error(said);
  if (result.died || isConnectionFailure(result.stderr)) {
    return new GuestAgentError(`the agent in ${uuid} was not asked: libvirt is away`, {
      code: 'libvirt-unreachable',
      retryable: true,
      cause,
    });
  }
  const known = reasons.find(({ when }) => when.test(said)) ?? (result.timedOut ? timedOut : undefined);
  if (known) return new GuestAgentError(`${known.says} ${uuid}`, { code: known.code, retryable: true, cause });
  return new GuestAgentError(`the agent in ${uuid} refused: ${said}`, {
    code: 'agent-refused',
    retryable: true,
    cause,
  });
};

export const payloadTooLarge = (uuid: Uuid, characters: number, limit: number): GuestAgentError =>
  new GuestAgentError(`a message of ${characters} characters for the agent in ${uuid} is over the limit of ${limit}`, {
    code: 'agent-payload-too-large',
    retryable: false,
  });

const timedOut = {
  when: /timed? ?out|agent not available for now/i,
  code: 'agent-timeout',
  says: 'no answer in time from the agent in',
};

/** libvirt's words (9.0), each with ours. */
const reasons = [
  { when: /domain is not running/, code: 'domain-off', says: 'no agent can answer while the machine is off:' },
  { when: /failed to get domain|Domain not found/, code: 'domain-absent', says: 'there is no domain' },
  { when: /QEMU guest agent is not configured/, code: 'agent-not-configured', says: 'no agent channel is defined in' },
  { when: /QEMU guest agent is not connected/, code: 'agent-not-connected', says: 'no agent is connected in' },
  timedOut,
] as const;

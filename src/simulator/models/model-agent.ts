import { GuestAgentError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { GuestAgent } from '../../ports/hypervisor.ts';
import type { ModelGuest } from './model-guest.ts';

export interface ModelAgentDeps {
  readonly clock: Clock;
  readonly guest: (uuid: Uuid) => ModelGuest | undefined;
  readonly isAway: () => boolean;
}

/** The guest agents of the model's guests. A mute one takes the whole deadline to say nothing. */
export const createModelAgent = ({ clock, guest, isAway }: ModelAgentDeps): GuestAgent => {
  const reach = async (uuid: Uuid, timeoutMs: number): Promise<ModelGuest> => {
    await Promise.resolve();
    if (isAway()) throw refusal(uuid, 'libvirt-unreachable', 'libvirt is away');
    const found = guest(uuid);
    if (!found) throw refusal(uuid, 'domain-absent', 'there is no such domain');
    if (found.run === 'off' || found.run === 'crashed') throw refusal(uuid, 'domain-off', 'the machine is off');
    if (!found.agentConnected) throw refusal(uuid, 'agent-not-connected', 'no agent is connected');
    if (found.behaviour.agent === 'mute') {
      await clock.sleep(timeoutMs);
      throw refusal(uuid, 'agent-timeout', 'no answer in time');
    }
    return found;
  };
  const exec: GuestAgent['exec'] = async (uuid, argv, { timeoutMs }) => {
    const found = await reach(uuid, timeoutMs);
    const result = found.behaviour.programs(argv, found);
    if (!result) throw refusal(uuid, 'agent-refused', `no program ${argv[0]}`);
    return result;
  };
  return {
    ping: (uuid, { timeoutMs = 5_000 } = {}) =>
      reach(uuid, timeoutMs).then(
        () => true,
        () => false,
      ),
    exec,
    capture: async (uuid, argv, options) => {
      const { exitCode, stdout, stderr } = await exec(uuid, argv, options);
      return { exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr), cut: false };
    },
  };
};

const refusal = (uuid: Uuid, code: string, why: string): GuestAgentError =>
  new GuestAgentError(`the agent in ${uuid} did not answer: ${why}`, { code, retryable: true });

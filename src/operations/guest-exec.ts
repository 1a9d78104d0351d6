import { isOn } from '../domain/domain-state.ts';
import { GuestAgentError } from '../domain/errors.ts';
import type { CapturedOutput } from '../ports/hypervisor.ts';
import type { Deps } from './deps.ts';
import { requireNotHeld } from './explicit/operator-words.ts';
import { findOwnDomain, type OwnDomain } from './find-own-domain.ts';

type GuestExecDeps = Pick<Deps, 'hypervisor' | 'agent' | 'journal' | 'ownDirectories' | 'records' | 'clock'>;

/** Several words are a program and its arguments, exactly; a single one is a line for the guest's shell. */
export const guestArgv = (words: readonly string[]): readonly string[] =>
  words.length === 1 ? ['/bin/sh', '-c', words[0] ?? ''] : words;

/** Throws at once where no agent can answer: libvirt knows whether one is connected without asking it. */
export const expectAgent = ({ domain }: OwnDomain): void => {
  if (!isOn(domain)) {
    throw new GuestAgentError(`${domain.name} is off`, { code: 'domain-off', retryable: true, hint: 'start it first' });
  }
  if (domain.run === 'paused') {
    throw new GuestAgentError(`${domain.name} is paused`, {
      code: 'domain-paused',
      retryable: true,
      hint: 'resume it first',
    });
  }
  if (!domain.agentConnected) {
    throw new GuestAgentError(`the guest agent of ${domain.name} is not connected`, {
      code: 'agent-not-connected',
      retryable: true,
      hint: 'while it boots, wait; else install and start qemu-guest-agent in it',
    });
  }
};

/**
 * Runs a command in a guest and returns its own exit code and output. The journal learns who did so in which machine, before it
 * is done; never what: it may hold a secret.
 */
export const guestExec = async (
  deps: GuestExecDeps,
  name: string,
  words: readonly string[],
  { timeoutMs, by }: { readonly timeoutMs: number; readonly by: string },
): Promise<CapturedOutput> => {
  const found = await findOwnDomain(deps, name);
  if (found.memory) requireNotHeld(found.memory, deps.clock.nowUnixMs());
  expectAgent(found);
  const { uuid } = found.domain;
  await deps.journal.append([{ kind: 'guest-exec', uuid, by }]);
  return deps.agent.capture(uuid, guestArgv(words), { timeoutMs });
};

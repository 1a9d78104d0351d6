import * as z from 'zod';
import type { GuestAgent } from '../../ports/hypervisor.ts';
import { type AgentChannelDeps, answerTimeoutMs, createAgentChannel } from './agent-channel.ts';
import { createAgentExec } from './agent-exec.ts';
import { startDeadline } from './deadline.ts';
import { createGuestCapture } from './guest-capture.ts';
import { createGuestFiles } from './guest-files.ts';

/** The guest agent through libvirt. What a guest answers is a stranger's word: it is read by a schema. */
export const createGuestAgent = (deps: AgentChannelDeps): GuestAgent => {
  const { clock } = deps;
  const ask = createAgentChannel(deps);

  const run = createAgentExec({ ask, clock });

  return {
    // libvirt may take several times what it is told to wait for an agent that is connected and mute.
    ping: (uuid, { timeoutMs = answerTimeoutMs } = {}) =>
      new Promise((resolve) => {
        const stopDeadline = startDeadline(clock, timeoutMs, () => resolve(false));
        const settle = (answered: boolean): void => {
          stopDeadline();
          resolve(answered);
        };
        ask(uuid, { execute: 'guest-ping' }, z.unknown(), clock.monotonicMs() + timeoutMs).then(
          () => settle(true),
          () => settle(false),
        );
      }),
    exec: async (uuid, argv, { timeoutMs }) => {
      const { exitCode, stdout, stderr } = await run(uuid, argv, clock.monotonicMs() + timeoutMs);
      return { exitCode, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') };
    },
    capture: createGuestCapture({ run, files: createGuestFiles({ ask, clock }), clock }),
  };
};

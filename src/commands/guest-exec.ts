import { GuestAgentError } from '../domain/errors.ts';
import { guestExec as execInGuest } from '../operations/guest-exec.ts';
import type { CapturedOutput } from '../ports/hypervisor.ts';
import { withMachines } from './open-machines.ts';
import { runCommand } from './run-command.ts';

const PROGRAM = 'blockhost-vm-guest-exec';
/** As timeout(1) has it. */
const EXIT_TIMED_OUT = 124;

/** `guest-exec <name> <command…>`: the guest command's own exit code, stdout and stderr, byte for byte. */
export const guestExec = (name: string, words: readonly string[], timeoutMs: number): Promise<void> =>
  runCommand(PROGRAM, (context) =>
    withMachines(context, async (machines) => {
      let end: CapturedOutput;
      try {
        end = await execInGuest(machines, name, words, { timeoutMs, by: context.by });
      } catch (error) {
        if (!(error instanceof GuestAgentError) || error.code !== 'guest-still-runs') throw error;
        context.tell(
          `${PROGRAM}: the command still ran in ${name} after ${timeoutMs / 1000} s, and may go on running there`,
        );
        return EXIT_TIMED_OUT;
      }
      process.stdout.write(end.stdout);
      process.stderr.write(end.stderr);
      if (end.cut) context.tell(`${PROGRAM}: the output was longer than what is fetched and is cut off`);
      return end.exitCode;
    }),
  );

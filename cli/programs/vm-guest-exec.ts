import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../src/config/duration.ts';
import { machineName } from './machine-name.ts';
import { program } from './program.ts';

const DEFAULT_TIMEOUT_MS = 60_000;

const timeout = (text: string): number => {
  const ms = /^[0-9]{1,6}$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('wants seconds, or a duration such as 90s or 5m.');
  return ms;
};

/** `blockhost-vm-guest-exec`: a command in a guest (interop §8). */
export const vmGuestExec = (): Command =>
  program({
    name: 'blockhost-vm-guest-exec',
    description: 'Runs a command in a machine through its guest agent, as root there, without input.',
    examples: [
      'blockhost-vm-guest-exec blockhost-007 systemctl is-active ssh',
      "blockhost-vm-guest-exec blockhost-007 'dmesg | tail -n 20'",
      'blockhost-vm-guest-exec --timeout 5m blockhost-007 apt-get update',
    ],
    exitStatus:
      "the command's own; 124 when it did not end in time (it may go on); 1 with a sentence on stderr that begins with the " +
      'name of this program where it was not run.',
  })
    .argument('<name>', 'name of the machine', machineName)
    .argument('<command...>', 'several words: program and arguments, exactly; a single one: a line for /bin/sh')
    .option('--timeout <time>', 'before the name: how long the command may take (1m)', timeout)
    .passThroughOptions()
    .action(async (name: string, words: string[], options: { timeout?: number }) => {
      // Whoever puts `--` before the command means the words after it.
      const command = words[0] === '--' && words.length > 1 ? words.slice(1) : words;
      await (await import('../../src/commands/guest-exec.ts')).guestExec(
        name,
        command,
        options.timeout ?? DEFAULT_TIMEOUT_MS,
      );
    });

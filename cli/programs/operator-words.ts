import { Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../src/config/duration.ts';
import { speak } from '../../src/host/speak.ts';
import { version } from './version.ts';

const duration = (text: string): number => {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('wants a duration such as 90s, 15m, 24h or 7d.');
  return ms;
};

const HELP = `
Examples:
  blockhost-provisioner hold blockhost-007 --for 2h --reason "moving its disk"
  blockhost-provisioner release blockhost-007
  blockhost-provisioner protect blockhost-007 --reason "legal hold"
  blockhost-provisioner ack breaker:suspend

Exit status: 0 when the word is in the journal, 1 when it was refused.`;

/** `blockhost-provisioner`: the operator's words (D17). */
export const operatorWords = (): Command => {
  const program = new Command('blockhost-provisioner')
    .description("An operator's words to the provisioner: they beat whatever it decides by itself.")
    .version(version)
    .showHelpAfterError('(--help shows the commands)')
    .addHelpText('after', HELP);
  program
    .command('hold <vm>')
    .description('do nothing at all to a machine until the time is up or it is released')
    .requiredOption('--for <duration>', 'how long, such as 2h: a hold always ends', duration)
    .option('--reason <text>', 'why, for whoever finds it', 'no reason given')
    .action((vm: string, options: { for: number; reason: string }) =>
      speak({ word: 'hold', vm, reason: options.reason, forMs: options.for }),
    );
  program
    .command('release <vm>')
    .description('end a hold')
    .action((vm: string) => speak({ word: 'release', vm }));
  program
    .command('protect <vm>')
    .description('never suspend or destroy a machine, while all else goes on')
    .option('--for <duration>', 'how long; without it until unprotect', duration)
    .option('--reason <text>', 'why, for whoever finds it', 'no reason given')
    .action((vm: string, options: { for?: number; reason: string }) =>
      speak({
        word: 'protect',
        vm,
        reason: options.reason,
        ...(options.for === undefined ? {} : { forMs: options.for }),
      }),
    );
  program
    .command('unprotect <vm>')
    .description('end a protection')
    .action((vm: string) => speak({ word: 'unprotect', vm }));
  program
    .command('ack <what>')
    .description(
      'acknowledge one alarm: chain, clock, breaker:suspend, breaker:destroy, or a parked machine by its name',
    )
    .action((what: string) => speak({ word: 'ack', what }));
  return program;
};

import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../src/config/duration.ts';
import { speak } from '../../src/host/speak.ts';
import { machineName } from './machine-name.ts';
import { withMemory } from './operator-memory.ts';
import { withRehearsal } from './operator-rehearsal.ts';
import { program } from './program.ts';

const duration = (text: string): number => {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('wants a duration such as 90s, 15m, 24h or 7d.');
  return ms;
};

/** It is shown to other operators: one line of text, nothing that their terminals would obey. */
const reason = (text: string): string => {
  if (text.trim() !== '' && !/\p{Cc}/u.test(text) && text.length <= 500) return text;
  throw new InvalidArgumentError('wants one line of text, at most 500 characters.');
};

/** `blockhost-provisioner`: the operator's words (D17). */
export const operatorWords = (): Command => {
  const words = program({
    name: 'blockhost-provisioner',
    description:
      "An operator's words to the provisioner, which beat whatever it decides by itself; and its memory, to be read.",
    examples: [
      'blockhost-provisioner hold blockhost-007 --for 2h --reason "moving its disk"',
      'blockhost-provisioner release blockhost-007',
      'blockhost-provisioner protect blockhost-007 --reason "legal hold"',
      'blockhost-provisioner ack breaker:suspend',
      'blockhost-provisioner why blockhost-007',
      'blockhost-provisioner replay --current-policy',
      'blockhost-provisioner simulate --for 1m',
    ],
    exitStatus:
      '0 when the word is in the journal, 1 when it was refused. verify: 1 when the journal is damaged. replay: 1 when a step would be decided differently. simulate: 1 when a history broke a rule.',
  });
  words
    .command('hold')
    .description('do nothing at all to a machine until the time is up or it is released')
    .argument('<vm>', 'name of the machine', machineName)
    .requiredOption('--for <duration>', 'how long, such as 2h: a hold always ends', duration)
    .option('--reason <text>', 'why, for whoever finds it', reason, 'no reason given')
    .action((vm: string, options: { for: number; reason: string }) =>
      speak({ word: 'hold', vm, reason: options.reason, forMs: options.for }),
    );
  words
    .command('release')
    .description('end a hold')
    .argument('<vm>', 'name of the machine', machineName)
    .action((vm: string) => speak({ word: 'release', vm }));
  words
    .command('protect')
    .description('never suspend or destroy a machine, while all else goes on')
    .argument('<vm>', 'name of the machine', machineName)
    .option('--for <duration>', 'how long; without it until unprotect', duration)
    .option('--reason <text>', 'why, for whoever finds it', reason, 'no reason given')
    .action((vm: string, options: { for?: number; reason: string }) =>
      speak({
        word: 'protect',
        vm,
        reason: options.reason,
        ...(options.for === undefined ? {} : { forMs: options.for }),
      }),
    );
  words
    .command('unprotect')
    .description('end a protection')
    .argument('<vm>', 'name of the machine', machineName)
    .action((vm: string) => speak({ word: 'unprotect', vm }));
  words
    .command('ack')
    .description(
      'acknowledge one alarm: chain, clock, breaker:suspend, breaker:destroy, or a parked machine by its name',
    )
    .argument('<what>', 'what is acknowledged', machineName)
    .action((what: string) => speak({ word: 'ack', what }));
  return withRehearsal(withMemory(words));
};

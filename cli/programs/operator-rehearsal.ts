import { type Command, InvalidArgumentError, Option } from 'commander';
import { type SimulateOptions, simulate } from '../../src/commands/simulate.ts';
import { parseDuration } from '../../src/config/duration.ts';

const seed = (text: string): number => {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= 0xffff_ffff) return value;
  throw new InvalidArgumentError(`wants a whole number from 0 to ${0xffff_ffff}.`);
};

const count = (text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('wants a whole number from 1 on.');
};

const duration = (text: string): number => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new InvalidArgumentError('wants a duration such as 90s, 15m or 2h.');
};

const HELP = `
Policy and sweep are read as the daemon reads them. Each history lasts until grace and quarantine can end in it, at most
60 days; where days are played, chain and host are looked at less often than the daemon would. Machines that are missing
are only reported. A breaker that waits for an acknowledgement is told as unpaid-ends.

Examples:
  blockhost-provisioner simulate --for 1m
  blockhost-provisioner simulate --histories 20
  blockhost-provisioner simulate --seed 7
  blockhost-provisioner simulate --scenario sim-7.json

Exit status: 0 when no history broke a rule, 1 when one did or the input was refused.`;

/** What would become of machines under this host's own configuration, played on models. */
export const withRehearsal = (words: Command): Command => {
  words
    .command('simulate')
    .description(
      'play histories of a model host under this host’s own policy, and tell the first that harms a customer',
    )
    .addOption(new Option('--histories <n>', 'so many histories with fresh seeds').argParser(count))
    .addOption(
      new Option('--for <duration>', 'as many as fit into the time, such as 5m (1m without --histories)').argParser(
        duration,
      ),
    )
    .addOption(new Option('--seed <n>', 'one history, told as a story').argParser(seed).conflicts(['histories', 'for']))
    .addOption(
      new Option('--scenario <file>', 'a history that was written down, told as a story').conflicts([
        'histories',
        'for',
        'seed',
      ]),
    )
    .addHelpText('after', HELP)
    .action((options: SimulateOptions) => simulate(options));
  return words;
};

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

/** What the demo was asked for. */
export interface DemoOptions {
  /** Also write the table there, as JSON. */
  readonly json?: string;
  /** Sabotage this scene: the run must then end with exit code 1. */
  readonly break?: number;
  /** Play these scenes alone; all of them where it is absent. */
  readonly only?: ReadonlySet<number>;
  /** Leave the directory with logs and disks behind. */
  readonly keep: boolean;
  /** Print the daemon's own log lines, too. */
  readonly verbose: boolean;
}

/** The last scene's number; the first one is 1. */
const LAST_SCENE = 10;

const sceneNumber = (text: string): number => {
  const scene = Number(text);
  if (Number.isInteger(scene) && scene >= 1 && scene <= LAST_SCENE) return scene;
  throw new InvalidArgumentError(`wants the number of a scene, 1 to ${LAST_SCENE}.`);
};

const sceneNumbers = (text: string): ReadonlySet<number> => new Set(text.split(',').map((part) => sceneNumber(part)));

/** Reads the command line; prints help or a complaint and exits where that is what is due. */
export const parseArguments = (argv: readonly string[]): DemoOptions => {
  const command = new Command('npm run demo --')
    .description('Ten scenes from the life of rented machines, on a real chain, a real libvirt and real guests.')
    .option('--json <file>', 'also write the table to this file, as JSON')
    .option('--break <scene>', 'sabotage this scene; the run must then fail', sceneNumber)
    .option('--only <scenes>', 'play these scenes alone, such as 1,2,6', sceneNumbers)
    .option('--keep', 'leave the directory with disks and logs behind', false)
    .option('--verbose', "print the daemon's own log lines, too", false)
    .showHelpAfterError()
    .parse([...argv], { from: 'user' });
  const options = command.opts<DemoOptions>();
  if (options.break !== undefined && options.only?.has(options.break) === false)
    command.error(`error: scene ${options.break} is to be sabotaged, and --only leaves it out`);
  const folder = options.json === undefined ? '.' : dirname(options.json);
  if (!existsSync(folder)) command.error(`error: --json: there is no directory ${folder}`);
  return options;
};

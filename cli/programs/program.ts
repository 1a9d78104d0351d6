import { Command } from 'commander';
import { version } from './version.ts';

/** What every command says of itself; help, man page, completion and PROJECT.yaml are made of this. */
export interface ProgramFacts {
  readonly name: string;
  readonly description: string;
  /** Command lines, each one that works as it stands. */
  readonly examples: readonly string[];
  /** One sentence: which exit code means what. */
  readonly exitStatus: string;
}

/** A command with what all of ours have in common. */
export const program = ({ name, description, examples, exitStatus }: ProgramFacts): Command =>
  new Command(name)
    .description(description)
    .version(version)
    .showHelpAfterError('(--help shows what is wanted)')
    .addHelpText(
      'after',
      `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}\n\nExit status: ${exitStatus}`,
    );

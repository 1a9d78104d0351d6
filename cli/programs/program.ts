import { Command } from 'commander';
import { printable } from '../../src/domain/printable.ts';
import { version } from './version.ts';

/** What every command says of itself; help, man page, completion and PROJECT.yaml are made of this. */
export interface ProgramFacts {
  readonly name: string;
  readonly description: string;
  /** What a reader should know beyond one sentence: paragraphs, each one line. */
  readonly details?: readonly string[];
  /** Environment variables that are heeded: name and meaning. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Command lines, each one that works as it stands. */
  readonly examples: readonly string[];
  /** One sentence: which exit code means what. */
  readonly exitStatus: string;
}

const facts = new WeakMap<Command, ProgramFacts>();

/** What a program was declared with. */
export const factsOf = (command: Command): ProgramFacts => {
  const found = facts.get(command);
  if (found === undefined) throw new Error(`${command.name()} was not declared with program()`);
  return found;
};

const indented = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n');

const helpAfter = ({ details = [], environment = {}, examples, exitStatus }: ProgramFacts): string => {
  const width = Math.max(...Object.keys(environment).map((key) => key.length), 0) + 2;
  const variables = Object.entries(environment).map(([key, means]) => `${key.padEnd(width)}${means}`);
  return [
    ...details,
    ...(variables.length > 0 ? [`Environment:\n${indented(variables)}`] : []),
    `Examples:\n${indented(examples)}`,
    `Exit status: ${exitStatus}`,
  ]
    .map((part) => `\n${part}`)
    .join('\n');
};

/** What commander says of a bad argument quotes it; only the guess that it may add is a line of its own. */
const SAID = /^(.*?)(\n\(Did you mean [\w, -]+\?\))?\n?$/s;

/** A command with what all of ours have in common. */
export const program = (declared: ProgramFacts): Command => {
  const command = new Command(declared.name)
    .description(declared.description)
    .version(version)
    .showHelpAfterError('(--help shows what is wanted)')
    .configureOutput({
      outputError: (text, write) => {
        const [, said = text, guess = ''] = SAID.exec(text) ?? [];
        write(`${printable(said)}${guess}\n`);
      },
    })
    .addHelpText('after', helpAfter(declared));
  facts.set(command, declared);
  return command;
};

import { Command } from 'commander';
import { printable } from '../../src/domain/printable.ts';
import { version } from '../../src/host/version.ts';

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

/** One sentence on one line, like every other that a command tells on stderr, and from whom it is; it quotes what was typed. */
const usageError = (name: string, text: string): string => {
  const fault = text
    .replace(/^error: /, '')
    .replace(/\s+/g, ' ')
    .trim();
  return `${name}: ${printable(fault)} (--help shows what is wanted)\n`;
};

/** A command with what all of ours have in common. */
export const program = (declared: ProgramFacts): Command => {
  const command = new Command(declared.name)
    .description(declared.description)
    .version(version)
    .configureOutput({ outputError: (text, write) => write(usageError(declared.name, text)) })
    .addHelpText('after', helpAfter(declared));
  facts.set(command, declared);
  return command;
};

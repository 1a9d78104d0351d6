import type { Argument, Command, Option } from 'commander';
import { factsOf } from '../programs/program.ts';

/** The daemon is for administrators; whatever else we have, anybody may call. */
export const sectionOf = (command: Command): 1 | 8 => (command.name() === 'blockhost-provisionerd' ? 8 : 1);

/** Text for roff: a backslash, a dash and a line that begins like a request mean themselves. */
const plain = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');

const bold = (text: string): string => `\\fB${plain(text)}\\fR`;
const argumentText = (argument: Argument): string => {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
};

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [`.SH ${title}`, ...lines];

const item = (term: string, text: string): readonly string[] => ['.TP', term, plain(text)];

const synopsis = (command: Command): string => {
  const words = command.registeredArguments.map(argumentText);
  const more = command.commands.length > 0 ? ['<command>', '[arguments]'] : words;
  return `${bold(command.name())} [options] ${plain(more.join(' '))}`.trimEnd();
};

const optionItems = (options: readonly Option[]): readonly string[] =>
  options.flatMap(({ flags, description }) => item(bold(flags), description));

const subcommandItems = (command: Command): readonly string[] =>
  command.commands.flatMap((child) => [
    ...item(bold([child.name(), ...child.registeredArguments.map(argumentText)].join(' ')), child.description()),
    ...(child.options.length > 0 ? ['.RS', ...optionItems(child.options), '.RE'] : []),
  ]);

/** A program's man page in roff, made of its declaration alone. `version` stands in its foot. */
export const manPage = (command: Command, version: string, others: readonly Command[]): string => {
  const { details = [], environment = {}, examples, exitStatus, description } = factsOf(command);
  const number = sectionOf(command);
  const seeAlso = others
    .filter((other) => other !== command)
    .map((other) => `${bold(other.name())}(${sectionOf(other)})`);
  return [
    `.TH ${command.name().toUpperCase()} ${number} "" "blockhost-provisioner-libvirt ${version}"`,
    ...section('NAME', [`${plain(command.name())} \\- ${plain(description.replace(/\.$/, ''))}`]),
    ...section('SYNOPSIS', [synopsis(command)]),
    ...section('DESCRIPTION', [plain(description), ...details.flatMap((line) => ['.PP', plain(line)])]),
    ...section(
      'ARGUMENTS',
      command.registeredArguments.flatMap((argument) => item(bold(argument.name()), argument.description)),
    ),
    ...section('OPTIONS', optionItems(command.options)),
    ...section('COMMANDS', subcommandItems(command)),
    ...section(
      'ENVIRONMENT',
      Object.entries(environment).flatMap(([key, means]) => item(bold(key), means)),
    ),
    ...section('EXIT STATUS', [plain(exitStatus)]),
    ...section('EXAMPLES', ['.nf', ...examples.map(plain), '.fi']),
    ...section('SEE ALSO', [seeAlso.join(',\n')]),
    '',
  ].join('\n');
};

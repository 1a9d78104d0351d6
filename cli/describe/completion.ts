import type { Command } from 'commander';

const longFlags = (command: Command): readonly string[] => [
  ...command.options.flatMap(({ long }) => (long ? [long] : [])),
  '--help',
];

const functionName = (command: Command): string => `_${command.name().replaceAll('-', '_')}`;

const takesMachine = (command: Command): boolean =>
  ['name', 'vm'].includes(command.registeredArguments[0]?.name() ?? '');

/** Options that take a file: their values are completed by the shell's own means. */
const fileFlags = (command: Command): readonly string[] =>
  command.options.flatMap(({ flags, long }) => (/<(file|path)>/.test(flags) && long ? [long] : []));

const branch = (command: Command): readonly string[] => [
  ...(fileFlags(command).length > 0
    ? [`    case "$before" in ${fileFlags(command).join('|')}) COMPREPLY=($(compgen -f -- "$word")); return;; esac`]
    : []),
  `    [[ $word == -* ]] && { COMPREPLY=($(compgen -W '${longFlags(command).join(' ')}' -- "$word")); return; }`,
  ...(takesMachine(command) ? ['    _blockhost_machines "$word"'] : []),
];

const withSubcommands = (command: Command): readonly string[] => [
  // biome-ignore lint/suspicious/noTemplateCurlyInString: bash's own
  '    case "${COMP_WORDS[1]}" in',
  ...command.commands.flatMap((child) => [`    ${child.name()})`, ...branch(child), '    return;;']),
  '    esac',
  `    COMPREPLY=($(compgen -W '${command.commands.map((child) => child.name()).join(' ')} --help --version' -- "$word"))`,
];

/** One bash completion for all programs, made of their declarations; names of machines come from the list command. */
export const bashCompletion = (commands: readonly Command[]): string =>
  [
    '# bash completion of blockhost-provisioner-libvirt',
    '_blockhost_machines() {',
    '    local names',
    // compgen expands its words: a name that is not plain would be run by the shell.
    "    names=$(blockhost-vm-list 2>/dev/null | tail -n +2 | cut -f1 | grep -E '^[A-Za-z0-9][A-Za-z0-9._-]*$')",
    '    COMPREPLY=($(compgen -W "$names" -- "$1"))',
    '}',
    ...commands.flatMap((command) => [
      `${functionName(command)}() {`,
      // bash hands over the command, the word under the cursor and the one before it.
      '    local word=$2 before=$3',
      ...(command.commands.length > 0 ? withSubcommands(command) : branch(command)),
      '}',
      `complete -F ${functionName(command)} ${command.name()}`,
    ]),
    '',
  ].join('\n');

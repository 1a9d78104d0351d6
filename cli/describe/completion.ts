import type { Command, Option } from 'commander';

const longFlags = (command: Command): readonly string[] => [
  ...command.options.flatMap(({ long }) => (long ? [long] : [])),
  '--help',
];

const functionName = (command: Command): string => `_${command.name().replaceAll('-', '_')}`;

const takesMachine = (command: Command): boolean =>
  ['name', 'vm'].includes(command.registeredArguments[0]?.name() ?? '');

/** What a value can be, as far as its option is declared: one of the choices, a file, or nothing that is known. */
const offerOf = (option: Option): string => {
  if (option.argChoices) return `COMPREPLY=($(compgen -W '${option.argChoices.join(' ')}' -- "$word"))`;
  return /<(file|path)>/.test(option.flags) ? '_blockhost_files "$word"' : ':';
};

/** A value is completed after its option; an option whose value is nobody's to know must not offer machines instead. */
const values = (command: Command): readonly string[] => {
  const cases = command.options.flatMap((option) =>
    option.long && (option.required || option.optional) ? [`    ${option.long}) ${offerOf(option)}; return;;`] : [],
  );
  return cases.length > 0 ? ['    case "$before" in', ...cases, '    esac'] : [];
};

const branch = (command: Command): readonly string[] => [
  ...values(command),
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
    // A key press waits for no libvirt that hangs. compgen expands its words: a name that is not plain would be run by the shell.
    "    names=$(timeout 2 blockhost-vm-list 2>/dev/null </dev/null | tail -n +2 | cut -f1 | grep -E '^[A-Za-z0-9][A-Za-z0-9._-]*$')",
    '    COMPREPLY=($(compgen -W "$names" -- "$1"))',
    '}',
    '_blockhost_files() {',
    // Names with blanks stay one word each; bash itself quotes them and ends a directory with a slash.
    '    mapfile -t COMPREPLY < <(compgen -f -- "$1")',
    '    compopt -o filenames 2>/dev/null',
    '}',
    ...commands.flatMap((command) => [
      `${functionName(command)}() {`,
      // bash hands over the command, the word under the cursor and the one before it.
      '    local word=$2 before=$3',
      // `--option=value` is three words to bash; between the first two of them the word under the cursor is the sign.
      "    if [[ $word == '=' ]]; then word=",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: bash's own
      "    elif [[ $before == '=' ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi",
      ...(command.commands.length > 0 ? withSubcommands(command) : branch(command)),
      '}',
      `complete -F ${functionName(command)} ${command.name()}`,
    ]),
    '',
  ].join('\n');

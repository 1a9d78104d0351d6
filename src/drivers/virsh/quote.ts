import { HypervisorError } from '../../domain/errors.ts';

/**
 * Quotes one argument for virsh's own command parser (it is no shell: quotes and backslash are all it knows).
 * Throws a non-retryable `HypervisorError` on control characters: a newline would begin another command, and
 * readline would take the others for editing keys.
 */
export const quoteArgument = (argument: string): string => {
  if (hasControlCharacter(argument)) {
    throw new HypervisorError('an argument for virsh holds a control character, which its command line cannot carry', {
      code: 'virsh-argument',
      retryable: false,
      hint: 'rename what carries it, or address it by UUID',
    });
  }
  return plain.test(argument) ? argument : `'${argument.replaceAll("'", `'"'"'`)}'`;
};

/** One line for virsh's command parser, without the newline. */
export const commandLine = (argv: readonly string[]): string => argv.map(quoteArgument).join(' ');

const plain = /^[A-Za-z0-9_./:@%+=,-]+$/;

const hasControlCharacter = (text: string): boolean =>
  [...text].some((character) => character < ' ' || (character >= '\u007f' && character <= '\u009f'));

import { InvalidArgumentError } from 'commander';

/** Whatever libvirt may call a machine, and nothing that acts on a terminal or a line of a file. */
const NAME = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,255}$/u;

/** Reads the name of a machine that exists already; one that none can have fails before the command begins. */
export const machineName = (text: string): string => {
  if (NAME.test(text)) return text;
  throw new InvalidArgumentError('wants the name of a machine: 1 to 255 printable characters.');
};

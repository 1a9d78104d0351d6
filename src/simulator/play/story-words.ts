import { explain } from '../../domain/errors.ts';
import type { Act } from '../scenario/schema.ts';
import type { WorldLine } from '../world/log.ts';

/** How a history is told. */

/** `1d 02:03:04`: the clock of the story. */
export const clockText = (ms: number): string => {
  const s = Math.floor(ms / 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${Math.floor(s / 86_400)}d ${two(Math.floor(s / 3600) % 24)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
};

/** What a program said, as one line. */
export const inWords = ({ message, fields }: WorldLine): string => {
  const { vm, row, because, step, why, what, err } = fields;
  const parts = [vm, row, step, because, why, what, err === undefined ? undefined : explain(err)];
  return `${message}: ${parts.filter((part) => part !== undefined).join('; ')}`;
};

/** What somebody does, or what befalls the host. */
export const actText = (act: Act): string =>
  Object.entries(act)
    .filter(([key]) => key !== 'at' && key !== 'do')
    .reduce((text, [key, value]) => `${text} ${key}=${value}`, `${act.do}`);

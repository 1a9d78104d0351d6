import type { Log } from '../../ports/log.ts';

export interface WorldLine {
  readonly by: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** What a process says. Most of it is heard only where somebody tells the story; a defect is always heard. */
export const createWorldLog = (by: string, hear: (line: WorldLine) => void, wordy: boolean): Log => {
  const at =
    (level: WorldLine['level']) =>
    (fields: Record<string, unknown>, message: string): void => {
      if (wordy || level === 'error' || level === 'warn') hear({ by, level, message, fields });
    };
  const log: Log = {
    debug: () => undefined,
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  };
  return log;
};

/** Something that nobody threw on purpose. */
export const isDefect = ({ message, fields }: WorldLine): boolean =>
  message.startsWith('defect') ||
  fields.err instanceof TypeError ||
  fields.err instanceof RangeError ||
  fields.err instanceof ReferenceError;

import type { LogLine } from './daemon-process.ts';

/** A line of the daemon's log in plain words; nothing for what a spectator need not hear. */
export interface Words {
  readonly voice: 'decides' | 'does' | 'daemon';
  readonly text: string;
}

type Fields = LogLine['fields'];

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);

const LONGEST = 150;
const cut = (words: string): string => (words.length > LONGEST ? `${words.slice(0, LONGEST - 1)}…` : words);

/** What the machine's owner or operator would call it, instead of the step's name. */
const STEPS: Readonly<Record<string, string>> = {
  start: 'start it',
  'request-shutdown': 'ask it to shut down',
  save: 'save it',
  'power-off': 'take its power',
  destroy: 'take it apart into quarantine',
  restore: 'put it together again out of quarantine',
  purge: 'delete what quarantine kept',
  'set-login': 'let GECOS name the new owner',
  resume: 'let it go on after a failed save',
  'link-up': 'let it onto the network again',
};

const stepWords = (fields: Fields): string => STEPS[text(fields.step)] ?? text(fields.step);

const how = ({ args }: Fields): string => {
  const { mode, how } = (args ?? {}) as { mode?: string; how?: string };
  return mode === undefined ? (how === undefined ? '' : ` (${how})`) : ` (${mode})`;
};

const ofError = (fields: Fields): string => {
  const { message } = (fields.err ?? {}) as { message?: string };
  return message ?? text(fields.why ?? fields.what ?? '');
};

/** Machines that are not ours are told once, by the table's last line. */
const QUIET_ROWS = new Set(['foreign', 'nothing-there', 'stop-unsettled']);

const decision = (fields: Fields): Words | undefined => {
  const row = text(fields.row);
  if (QUIET_ROWS.has(row)) return undefined;
  const step = fields.step === undefined ? '' : ` → ${stepWords(fields)}`;
  const since = fields.unknownSinceUnixMs;
  const unknown = typeof since === 'number' ? ` (unknown since ${new Date(since).toISOString().slice(11, 19)})` : '';
  return {
    voice: 'decides',
    text: cut(`${text(fields.vm)}: ${row}, for ${text(fields.because)}${unknown}${step}`),
  };
};

export const wordsFor = ({ msg, level, fields }: LogLine): Words | undefined => {
  const vm = fields.vm === undefined ? '' : `${text(fields.vm)}: `;
  switch (msg) {
    case 'decision':
      return decision(fields);
    case 'step done':
      return { voice: 'does', text: `${vm}${stepWords(fields)}${how(fields)}, took ${text(fields.durationMs)} ms` };
    case 'step failed':
      return { voice: 'does', text: cut(`${vm}could not ${stepWords(fields)}: ${ofError(fields)}`) };
    case 'libvirt event':
    case 'chain event':
      return undefined; // told first-hand
    case 'chain reorganised':
      return { voice: 'daemon', text: `notices a reorg, ${text(fields.depth)} blocks deep` };
    default:
      if (level === 'debug') return undefined;
      return { voice: 'daemon', text: cut(`${vm}${msg}${level === 'info' ? '' : ` ${ofError(fields)}`}`) };
  }
};

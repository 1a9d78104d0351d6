import type { LibvirtLab } from '../lab/libvirt.ts';
import type { LogLine } from './daemon-process.ts';
import { wordsFor } from './story-words.ts';

/** Tells on stdout, live and in plain words, what happens; progress of what takes long goes to stderr. */
export interface Story {
  heading(text: string): void;
  chain(block: number, text: string): void;
  /** Something that the demo itself does. */
  act(text: string): void;
  daemon(line: LogLine): void;
  /** Follows libvirt's own events from now on, until the story ends. */
  follow(libvirt: LibvirtLab): void;
  progress(text: string): void;
  clock(unixMs: number): string;
  /** Since when nothing was told, in milliseconds. */
  silentForMs(): number;
  end(): void;
}

type Voice = 'chain' | 'demo' | 'libvirt' | 'decides' | 'does' | 'daemon';

const COLOURS: Readonly<Record<Voice, number>> = {
  chain: 35,
  demo: 33,
  libvirt: 36,
  decides: 34,
  does: 32,
  daemon: 31,
};
const LOOK_EVERY_MS = 100;

/** Events of libvirt that are about a machine's life; the others are noise on a terminal. */
const isTold = (event: string, detail: string): boolean =>
  event === 'lifecycle' && /^(Started|Stopped|Defined|Undefined|Crashed|Suspended)/.test(detail);

export const createStory = ({ verbose }: { readonly verbose: boolean }): Story => {
  const startedMs = Date.now();
  const coloured = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  let lastMs = startedMs;
  let timer: NodeJS.Timeout | undefined;

  const paint = (colour: number, text: string): string => (coloured ? `\u001b[${colour}m${text}\u001b[0m` : text);
  const print = (line: string): void => {
    lastMs = Date.now();
    process.stdout.write(`${line}\n`);
  };
  const stamp = (atMs: number): string => paint(2, `${((atMs - startedMs) / 1000).toFixed(1).padStart(6)} s`);
  const say = (voice: Voice, text: string, atMs = Date.now()): void =>
    print(`${stamp(atMs)}  ${paint(COLOURS[voice], voice.padEnd(7))}  ${text}`);

  return {
    heading: (text) => print(`\n${paint(1, text)}`),
    chain: (block, text) => say('chain', `block ${block}: ${text}`),
    act: (text) => say('demo', text),
    daemon: (line) => {
      if (verbose) process.stderr.write(`${JSON.stringify(line)}\n`);
      const words = wordsFor(line);
      if (words) say(words.voice, words.text, line.atMs);
    },
    follow: (libvirt) => {
      let told = libvirt.events().length;
      timer = setInterval(() => {
        const events = libvirt.events();
        for (const { event, domain, detail, atMs } of events.slice(told)) {
          if (isTold(event, detail)) say('libvirt', `${domain}: ${detail}`, atMs);
        }
        told = events.length;
      }, LOOK_EVERY_MS);
    },
    progress: (text) => {
      lastMs = Date.now();
      process.stderr.write(`${stamp(Date.now())}  … ${text}\n`);
    },
    clock: (unixMs) => new Date(unixMs).toISOString().slice(11, 19),
    silentForMs: () => Date.now() - lastMs,
    end: () => clearInterval(timer),
  };
};

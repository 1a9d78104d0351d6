import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** How a command ended, as far as it is written down. */
export interface Ended {
  readonly exitCode: number | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** What was done and seen, for people to read. */
export interface Transcript {
  chapter(title: string): void;
  /** A command, who gave it, and all that came of it. */
  ran(who: string, argv: readonly string[], ended: Ended): void;
  /** What somebody outside of it all sees: virsh, vms.json, chain. */
  saw(what: string, value: unknown): void;
  /** Writes what there is so far. */
  save(file: string): Promise<void>;
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
const indented = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `    ${line}`);

export const createTranscript = (): Transcript => {
  const startedMs = performance.now();
  const lines: string[] = [];
  const at = (): string => `${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s`;
  return {
    chapter: (title) => void lines.push('', `## ${title}`),
    ran: (who, argv, { exitCode, stdout, stderr }) => {
      lines.push('', `[${at()}] ${who}$ ${argv.map(quoted).join(' ')}`, ...indented(stdout));
      if (stderr.trim() !== '') lines.push('  on stderr:', ...indented(stderr));
      lines.push(`  exit code ${exitCode}`);
    },
    saw: (what, value) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      const [first = '', ...rest] = text.trimEnd().split('\n');
      lines.push(`[${at()}] seen: ${what}: ${rest.length === 0 ? first : ''}`.trimEnd());
      if (rest.length > 0) lines.push(...indented(text));
    },
    save: async (file) => {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${lines.join('\n').trimStart()}\n`);
    },
  };
};

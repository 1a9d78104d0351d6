import type { Stats } from 'node:fs';
import { lstat, readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';

/** A configuration file's text; `absent` where there is none, `unreadable` with one sentence that says what to do. */
export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly why: string };

/** How `loadConfig` gets at files. */
export type ReadText = (path: string) => Promise<FileText>;

/** Far beyond any real configuration; keeps a log or a disk image that landed in its place out of memory. */
const LARGEST_BYTES = 1024 * 1024;

/** Reads one configuration file and never throws; a pipe or a directory in its place does not hang or crash the caller. */
export const readText = async (path: string): Promise<FileText> => {
  try {
    const facts = await stat(path);
    const why = notPlain(facts);
    if (why !== undefined) return { kind: 'unreadable', why };
    const bytes = await readFile(path);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
    return { kind: 'text', text };
  } catch (error) {
    return fromError(error, path);
  }
};

const notPlain = (facts: Stats): string | undefined => {
  if (facts.isDirectory()) return 'is a directory; wants a file';
  if (!facts.isFile()) return 'is a pipe, socket or device; wants a file';
  if (facts.size > LARGEST_BYTES) {
    return `is ${(facts.size / LARGEST_BYTES).toFixed(1)} MiB large; a configuration file has at most 1 MiB`;
  }
  return undefined;
};

const fromError = async (error: unknown, path: string): Promise<FileText> => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return (await isDangling(path)) ? { kind: 'unreadable', why: DANGLING } : { kind: 'absent' };
  if (code === 'EACCES' || code === 'EPERM') {
    const who = currentUser();
    const why = `cannot be read by ${who}; wants owner root:blockhost, mode 0640 (directories 0750), and a caller who is root or in group blockhost`;
    return { kind: 'unreadable', why };
  }
  if (error instanceof TypeError) return { kind: 'unreadable', why: 'is not UTF-8 text' };
  return { kind: 'unreadable', why: `cannot be read (${String(code ?? error)})` };
};

const DANGLING = 'is a symbolic link that leads nowhere; wants a file, or nothing at all';

/** A link to nowhere is a broken configuration; to take it for an absent one would mean "not configured" (D12). */
const isDangling = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** A uid without an entry in passwd makes `userInfo` throw. */
const currentUser = (): string => {
  try {
    return `user ${userInfo().username}`;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
};

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { UserDataSource } from '../../domain/cloud-init/seed-request.ts';
import { BlockhostError } from '../../domain/errors.ts';
import { isErrno } from '../files/shared-ownership.ts';

export interface UserDataPlaces {
  /** Searched in this order; relative ones are below the working directory. */
  readonly templateDirs: readonly string[];
  /** The file's name. */
  readonly template: string;
  /** A file that somebody rendered before; stands instead of every template. */
  readonly rendered?: string;
}

/** Far beyond any cloud-config, and what a guest would still read. */
const LARGEST_BYTES = 1024 * 1024;

/**
 * Where a machine's user-data comes from: the file that was rendered before, else the first template that is there, else
 * what ships. A file that is there and cannot be read is an error, never "not there" (L3). Line ends are what Python's text
 * files make of them.
 */
export const readUserData = async ({ templateDirs, template, rendered }: UserDataPlaces): Promise<UserDataSource> => {
  if (rendered !== undefined) {
    const text = await readText(resolve(rendered), constants.O_NOFOLLOW);
    if (text === undefined) throw unreadable(rendered, 'is not there');
    if (isUserData(text)) return { kind: 'rendered', text };
    throw unreadable(rendered, 'does not begin as cloud-init wants it: with #cloud-config, #! or a MIME header');
  }
  for (const directory of templateDirs) {
    const text = await readText(resolve(join(directory, template)));
    if (text !== undefined) return { kind: 'template', text };
  }
  return { kind: 'built-in' };
};

/** What cloud-init takes for user data, by its first line, as it does itself: blanks before it and its case do not matter. */
const USER_DATA =
  /^(?:#!|#cloud-(?:config|config-archive|config-jsonp|boothook)\s|#include(?:-once)?\s|#part-handler\s|## template: *jinja\s|(?:content-type|mime-version):)/i;

/** A caller's path is only a claim: without this, a root's create would hand any file of the host to a customer. */
const isUserData = (text: string): boolean => USER_DATA.test(`${text.trimStart()}\n`);

/** Opened once and looked at through what was opened: nobody can put another file into its place in between. */
const readText = async (path: string, more = 0): Promise<string | undefined> => {
  try {
    // A pipe without a writer must not hang a create.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | more);
    try {
      const facts = await file.stat();
      if (!facts.isFile()) throw unreadable(path, 'is no ordinary file');
      if (facts.size > LARGEST_BYTES) throw unreadable(path, 'is larger than 1 MiB');
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await file.readFile());
      return text.replace(/\r\n?/g, '\n');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (isErrno(error, 'ELOOP')) throw unreadable(path, 'is a symbolic link');
    if (error instanceof TypeError) throw unreadable(path, 'is not UTF-8 text');
    if (error instanceof BlockhostError) throw error;
    throw unreadable(path, error instanceof Error ? error.message : String(error), error);
  }
};

const unreadable = (path: string, what: string, cause?: unknown): BlockhostError =>
  new BlockhostError(`the cloud-init file ${path} ${what}`, {
    code: 'cloud-init-file',
    retryable: false,
    hint: 'give a readable text file, or take it away',
    cause,
  });

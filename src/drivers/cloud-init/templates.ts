import { readFile, stat } from 'node:fs/promises';
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
    const text = await readText(resolve(rendered));
    if (text !== undefined) return { kind: 'rendered', text };
    throw unreadable(rendered, 'is not there');
  }
  for (const directory of templateDirs) {
    const text = await readText(resolve(join(directory, template)));
    if (text !== undefined) return { kind: 'template', text };
  }
  return { kind: 'built-in' };
};

const readText = async (path: string): Promise<string | undefined> => {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) throw unreadable(path, 'is no ordinary file');
    if (facts.size > LARGEST_BYTES) throw unreadable(path, 'is larger than 1 MiB');
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path));
    return text.replace(/\r\n?/g, '\n');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
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

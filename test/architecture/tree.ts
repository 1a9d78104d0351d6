import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './tool.ts';

const NOT_OURS = new Set([
  'node_modules',
  'dist',
  'build',
  'coverage',
  'reports',
  '.git',
  '.stryker-tmp',
  '__pycache__',
]);

/** Paths of all files below a folder of the repository, relative to its root, in order. */
export const filesBelow = (folder: string): string[] => {
  const below = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
      if (NOT_OURS.has(entry.name) || entry.name.startsWith('.scratch')) return [];
      const inner = join(path, entry.name);
      if (entry.isDirectory()) return below(inner);
      return entry.isFile() ? [relative(root, inner)] : [];
    });
  return below(join(root, folder)).sort();
};

/** The text of a file, by its path from the root. */
export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

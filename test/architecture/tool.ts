import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export interface ToolResult {
  readonly exitCode: number | null;
  readonly output: string;
}

/** Runs one of our tools as `npm run check` does. */
export const runTool = (name: string, args: readonly string[], cwd = root): ToolResult => {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', name), args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return { exitCode: status, output: status === null ? stderr : stdout };
};

/** A small repository with our own configuration of the tools and the given files: a place in which they have to fail. */
export const createCanary = (files: Readonly<Record<string, string>>, configuration: readonly string[]) => {
  const dir = mkdtempSync(join(tmpdir(), 'blockhost-canary-'));
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  for (const path of configuration) cpSync(join(root, path), join(dir, path), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return { dir, remove: () => rmSync(dir, { recursive: true }) };
};

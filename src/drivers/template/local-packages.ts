import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BlockhostError } from '../../domain/errors.ts';
import type { LocalPackage } from '../../domain/template.ts';
import { isErrno } from '../files/shared-ownership.ts';
import { runTool } from './run-tool.ts';

/** Hexadecimal digest of a file's content. */
export const hashFile = async (path: string, algorithm: 'sha256' | 'sha512'): Promise<string> => {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
};

/** Every .deb of the folder, by name; none where there is no folder. Throws one error that names all that is wrong. */
export const readLocalPackages = async (folder: string, signal: AbortSignal): Promise<readonly LocalPackage[]> => {
  const found: LocalPackage[] = [];
  const faults: string[] = [];
  for (const file of await debsIn(folder)) {
    const path = join(folder, file);
    try {
      found.push(await readPackage(path, signal));
    } catch (error) {
      signal.throwIfAborted();
      faults.push(
        `${path} is not a Debian package (${error instanceof Error ? error.message.split('\n').at(-1)?.trim() : error})`,
      );
    }
  }
  for (const { name } of found) {
    const same = found.filter((other) => other.name === name);
    const sentence = `${folder} has ${same.length} packages called ${name}`;
    if (same.length > 1 && !faults.includes(sentence)) faults.push(sentence);
  }
  if (faults.length === 0) return found;
  const hint = `leave one good file of each in ${folder}`;
  throw new BlockhostError(faults.join('; '), { code: 'template-packages', retryable: false, hint });
};

/** Copies them to where the build takes them from, under names that nobody chose. Throws where one is another by now. */
export const stagePackages = async (packages: readonly LocalPackage[], target: string): Promise<void> => {
  if (packages.length === 0) return;
  await mkdir(target);
  for (const [i, { path, sha256 }] of packages.entries()) {
    const copy = join(target, `${String(i).padStart(3, '0')}.deb`);
    await copyFile(path, copy);
    if ((await hashFile(copy, 'sha256')) !== sha256) {
      throw new BlockhostError(`${path} was changed during the build`, {
        code: 'template-packages',
        retryable: true,
        hint: 'start it again',
      });
    }
  }
};

const debsIn = async (folder: string): Promise<readonly string[]> => {
  try {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.deb')).sort();
    const files: string[] = [];
    for (const name of names) if ((await stat(join(folder, name))).isFile()) files.push(name);
    return files;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    const why = error instanceof Error ? error.message : String(error);
    throw new BlockhostError(`cannot read ${folder}: ${why}`, {
      code: 'template-packages',
      retryable: true,
      cause: error,
    });
  }
};

/** In dpkg's own placeholders. */
const packageAndVersion = `\${Package} \${Version}`;

const readPackage = async (path: string, signal: AbortSignal): Promise<LocalPackage> => {
  const sha256 = await hashFile(path, 'sha256');
  const control = await runTool(['dpkg-deb', '--show', `--showformat=${packageAndVersion}`, path], { signal });
  const [name = '', version = ''] = control.trim().split(' ');
  if (!/^[a-z0-9][a-z0-9.+-]+$/.test(name)) throw new Error('it has no name');
  return { path, name, version, sha256 };
};

import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

/** A package that stands for another program of the host. */
export interface DummyPackage {
  readonly name: string;
  readonly version: string;
  /** Further lines of its control file: `Provides: …`. */
  readonly control?: string;
  /** Its files, by absolute path; all of them are executable. */
  readonly files?: Readonly<Record<string, string>>;
}

const pack = async (tree: string, file: string): Promise<string> => {
  await execa('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, file]);
  return file;
};

/** Makes such a package in `directory`; resolves to its path. */
export const makeDummy = async (directory: string, dummy: DummyPackage): Promise<string> => {
  const { name, version, control = '', files = {} } = dummy;
  const tree = join(directory, `${name}_${version}`);
  await mkdir(join(tree, 'DEBIAN'), { recursive: true, mode: 0o755 });
  const fixed = 'Architecture: all\nMaintainer: laboratory <lab@example.org>\nDescription: stands for the real one\n';
  await writeFile(join(tree, 'DEBIAN/control'), `Package: ${name}\nVersion: ${version}\n${control}${fixed}`);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
    await chmod(join(tree, path), 0o755);
  }
  return pack(tree, `${tree}.deb`);
};

/** Makes another version of a package, the same in everything else. */
export const withVersion = async (deb: string, version: string, directory: string): Promise<string> => {
  const tree = join(directory, `version-${version}`);
  await execa('dpkg-deb', ['--raw-extract', deb, tree]);
  const control = join(tree, 'DEBIAN/control');
  await writeFile(control, (await readFile(control, 'utf8')).replace(/^Version: .*$/m, `Version: ${version}`));
  return pack(tree, `${tree}.deb`);
};

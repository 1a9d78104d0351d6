import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import type { SettledSource } from '../../domain/template.ts';
import type { MissingTool } from '../../ports/template-workshop.ts';

const tool = (program: string, debianPackage: string): MissingTool => ({ program, debianPackage });

const always = [tool('unshare', 'util-linux'), tool('setpriv', 'util-linux'), tool('qemu-img', 'qemu-utils')];
const forPackages = [tool('mmdebstrap', 'mmdebstrap'), tool('mke2fs', 'e2fsprogs'), tool('apt-get', 'apt')];
const forChanges = [tool('virt-customize', 'libguestfs-tools')];

/** The programs that a build of it runs. */
const toolsFor = ({ source }: SettledSource): readonly MissingTool[] => {
  if (source.kind === 'packages') return [...always, ...forPackages];
  return source.asIs ? always : [...always, ...forChanges];
};

/** Those that none of `folders` has. */
export const missingTools = async (
  settled: SettledSource,
  folders: readonly string[],
): Promise<readonly MissingTool[]> => {
  const missing: MissingTool[] = [];
  for (const each of toolsFor(settled)) if (!(await isIn(each.program, folders))) missing.push(each);
  return missing;
};

const isIn = async (program: string, folders: readonly string[]): Promise<boolean> => {
  for (const folder of folders) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
};

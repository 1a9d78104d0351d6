import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** All files of machines below the directories of a host. */
export interface SeenFiles {
  /** With whose they are, by the words of the rules: `/vms/…`, `/vms/cloud-init/<name>/…`, `/quarantine/<uuid>/…`. */
  readonly files: ReadonlyMap<string, string>;
  /** UUIDs that have something in quarantine beside the dossier. */
  readonly kept: ReadonlySet<string>;
  /** UUIDs that have a dossier. */
  readonly dossiers: ReadonlySet<string>;
  /** UUIDs whose disk is in its place. */
  readonly placed: ReadonlySet<string>;
}

const listed = async (directory: string): Promise<readonly string[]> => {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

const DOSSIER = 'dossier.json';

/** `stateDir` is `/var/lib/blockhost` of the host; `uuidOf` knows machines by their names. */
export const lookAtFiles = async (
  stateDir: string,
  uuidOf: (name: string) => string | undefined,
): Promise<SeenFiles> => {
  const [disks, seeds, kept] = await Promise.all(
    ['vms', 'cloud-init', 'provisioner/quarantine'].map((folder) => listed(join(stateDir, folder))),
  );
  const files = new Map<string, string>();
  const placed = new Set<string>();
  for (const path of disks ?? []) {
    const uuid = uuidOf(path.replace(/\.qcow2$/, ''));
    files.set(`/vms/${path}`, uuid ?? path);
    if (uuid !== undefined) placed.add(uuid);
  }
  for (const path of seeds ?? []) {
    const [name = ''] = path.split('/');
    files.set(`/vms/cloud-init/${path}`, uuidOf(name) ?? name);
  }
  const [dossiers, inside] = [new Set<string>(), new Set<string>()];
  for (const path of kept ?? []) {
    const [uuid = '', ...rest] = path.split('/');
    if (rest.join('/') === DOSSIER) dossiers.add(uuid);
    else if (rest.length > 0) inside.add(uuid);
    files.set(`/quarantine/${path}`, uuid);
  }
  return { files, dossiers, kept: inside, placed };
};

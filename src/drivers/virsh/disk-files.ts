import { realpath } from 'node:fs/promises';
import { dirname, normalize, resolve } from 'node:path';
import { execa } from 'execa';
import * as z from 'zod';
import { HypervisorError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { DiskFile, Hypervisor } from '../../ports/hypervisor.ts';
import { type DiskSources, parseDiskSources, parseVolume } from './parse-disk-sources.ts';
import type { VirshShells } from './shells.ts';
import { hypervisorError, isNoSuchDomain } from './virsh-error.ts';

export interface DiskFilesDeps {
  readonly shells: Pick<VirshShells, 'read'>;
  readonly look: Hypervisor['look'];
  readonly readTimeoutMs: number;
}

interface Image {
  readonly path: string;
  readonly format?: string;
}

/** `undefined`: nothing beneath it. `unreadable`: nobody could tell. */
type Below = Image | undefined | 'unreadable';

/**
 * Makes the reader of whole disk chains. While a domain is on, libvirt has written its chain down. Of one that is off the
 * images' own headers are asked: through libvirt, which may read every volume of its pools, and for a file outside of
 * them through qemu-img, which may read what we may.
 */
export const createDiskFiles = ({ shells, look, readTimeoutMs }: DiskFilesDeps): Hypervisor['diskFiles'] => {
  const virsh = (...argv: string[]) => shells.read(argv, { timeoutMs: readTimeoutMs });

  const byLibvirt = async (path: string): Promise<Below> => {
    for (const name of new Set([path, await realPath(path)])) {
      const result = await virsh('vol-dumpxml', name);
      const volume = result.ok ? parseVolume(result.stdout) : undefined;
      if (volume) return volume.backing;
    }
    return 'unreadable';
  };

  const below = async (image: Image): Promise<Below> => {
    const told = await byLibvirt(image.path);
    return told === 'unreadable' ? byQemuImg(image, readTimeoutMs) : told;
  };

  const chainOf = async (uuid: Uuid, top: Image): Promise<readonly string[]> => {
    const paths: string[] = [];
    for (let image: Below = top; image !== undefined; ) {
      if (isRemote(image.path)) break; // beneath a disk of another host there is no file of this one
      if (!image.path.startsWith('/')) throw chainUnknown(uuid, image.path);
      if (paths.includes(image.path)) throw chainUnknown(uuid, image.path); // a circle
      paths.push(image.path);
      const next: Below = image.format === 'raw' ? undefined : await below(image);
      if (next === 'unreadable') throw chainUnknown(uuid, image.path);
      image = next;
    }
    return paths;
  };

  const volumePath = async (uuid: Uuid, { pool, name }: { pool: string; name: string }): Promise<string> => {
    const result = await virsh('vol-path', '--pool', pool, name);
    const path = result.stdout.trim();
    if (!result.ok || !path.startsWith('/')) throw chainUnknown(uuid, `${pool}/${name}`);
    return path;
  };

  const pathsOf = async (uuid: Uuid, disk: DiskSources): Promise<readonly string[]> => {
    const own = disk.volume ? await volumePath(uuid, disk.volume) : disk.paths[0];
    const named = [...(own === undefined ? [] : [own]), ...disk.paths];
    if (disk.complete) return named;
    if (disk.remote) throw chainUnknown(uuid, 'a network disk');
    return own === undefined ? named : [...named, ...(await chainOf(uuid, { path: own, format: disk.format }))];
  };

  return async (uuid) => {
    const xml = await virsh('dumpxml', uuid);
    if (!xml.ok) {
      if (isNoSuchDomain(xml) && (await look(uuid)) === 'absent') return [];
      throw hypervisorError(`describe domain ${uuid}`, xml);
    }
    const disks = parseDiskSources(xml.stdout);
    if (disks === undefined) throw chainUnknown(uuid, 'its definition');
    const paths = new Set<string>();
    for (const disk of disks) for (const path of await pathsOf(uuid, disk)) paths.add(path);
    return Promise.all([...paths].map(async (path): Promise<DiskFile> => ({ path, realPath: await realPath(path) })));
  };
};

const realPath = (path: string): Promise<string> => realpath(path).catch(() => normalize(path));

const isRemote = (path: string): boolean => /^(nbd|rbd|iscsi|https?|ftps?|ssh|gluster|sheepdog|vxhs)[+:]/.test(path);

const infoSchema = z.object({
  'backing-filename': z.string().optional(),
  'full-backing-filename': z.string().optional(),
  'backing-filename-format': z.string().optional(),
});

/** One image, without opening what is beneath it; a running guest may hold its lock. */
const byQemuImg = async ({ path, format }: Image, timeoutMs: number): Promise<Below> => {
  const as = format === undefined ? [] : ['-f', format];
  const result = await execa('qemu-img', ['info', '-U', '--output=json', ...as, path], {
    stdin: 'ignore',
    reject: false,
    timeout: timeoutMs,
    maxBuffer: 1024 * 1024,
    extendEnv: false,
    env: { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
  });
  const info = result.failed ? undefined : infoSchema.safeParse(parseJson(result.stdout)).data;
  if (info === undefined) return 'unreadable';
  const named = info['full-backing-filename'] ?? info['backing-filename'];
  if (named === undefined) return undefined;
  const backingFormat = info['backing-filename-format'];
  const at = isRemote(named) || named.startsWith('json:') ? named : resolve(dirname(path), named);
  return { path: at, ...(backingFormat === undefined ? {} : { format: backingFormat }) };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const chainUnknown = (uuid: Uuid, what: string): HypervisorError =>
  new HypervisorError(`what the disks of domain ${uuid} stand on is unknown: ${what} cannot be read`, {
    code: 'disk-chain-unknown',
    retryable: true,
    hint: 'mount it or put it back, have libvirt know its directory as a storage pool, or undefine the domain if nobody needs it',
  });

import { basename } from 'node:path';
import { HypervisorError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { MachineSpec } from '../../ports/machine-builder.ts';
import { inPrivateFile } from '../virsh/private-file.ts';
import type { VirshShells } from '../virsh/shells.ts';
import { hypervisorError } from '../virsh/virsh-error.ts';
import type { VirshResult } from '../virsh/virsh-result.ts';
import { childAt, escapeXml, parseXml } from '../virsh/xml.ts';

/** Disks of machines as volumes of libvirt's pool: whoever calls may be unable to write there himself (D3). */
export interface Disks {
  /** Throws (incurable) where the place is taken by anything but a disk of the same base and size that was never used. */
  make(spec: MachineSpec, path: string): Promise<void>;
  /** Is anything in that place, made by libvirt or not? */
  occupies(path: string): Promise<boolean>;
  /** Nothing there is no error. The domain must be gone. */
  remove(path: string): Promise<void>;
}

const timeoutMs = 60_000;
const bytesPerGib = 1024 ** 3;
/** A qcow2 overlay that nobody has written to holds a header and three tables of 64 KiB each. */
const unusedBytes = 512 * 1024;

export interface DisksDeps {
  readonly shells: VirshShells;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly storagePool: string;
}

/** Disks in one pool. */
export const createDisks = ({ shells, clock, storagePool: pool }: DisksDeps): Disks => {
  const change = (...argv: string[]): Promise<VirshResult> => shells.mutate(argv, { timeoutMs });
  /** libvirt knows the files that it made itself, others only after it was told to look; while it makes one, it does not. */
  const refresh = async (): Promise<void> => {
    const untilMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      const result = await change('pool-refresh', '--pool', pool);
      if (result.ok) return;
      const busy = /asynchronous jobs/.test(result.stderr);
      if (!busy || clock.monotonicMs() > untilMs) throw hypervisorError(`look into storage pool ${pool}`, result);
      await clock.sleep(100);
    }
  };
  const volume = async (name: string): Promise<Volume | 'absent'> => {
    const result = await shells.read(['vol-dumpxml', '--pool', pool, '--vol', name], { timeoutMs });
    if (result.ok) return parseVolume(result.stdout);
    if (noSuchVolume(result)) return 'absent';
    throw hypervisorError(`describe volume ${name}`, result);
  };
  return {
    make: async (spec, path) => {
      const name = basename(path);
      const capacityBytes = spec.diskGib * bytesPerGib;
      const created = await inPrivateFile(volumeXml({ name, capacityBytes, base: spec.base.path }), (file) =>
        change('vol-create', '--pool', pool, '--file', file),
      );
      if (!created.ok && !/already exists|exists already/.test(created.stderr)) {
        throw hypervisorError(`make disk ${path}`, created);
      }
      if (!created.ok && (await volume(name)) === 'absent') await refresh();
      const found = await volume(name);
      const ours =
        found !== 'absent' &&
        found.path === path &&
        found.base === spec.base.path &&
        found.capacityBytes === capacityBytes &&
        found.allocatedBytes <= unusedBytes;
      if (!ours) throw taken(path);
    },
    occupies: async (path) => {
      if ((await volume(basename(path))) !== 'absent') return true;
      await refresh();
      return (await volume(basename(path))) !== 'absent';
    },
    remove: async (path) => {
      const name = basename(path);
      const remove = (): Promise<VirshResult> => change('vol-delete', '--pool', pool, '--vol', name);
      let result = await remove();
      if (!result.ok && noSuchVolume(result)) {
        await refresh();
        result = await remove();
      }
      if (!result.ok && !noSuchVolume(result)) throw hypervisorError(`remove disk ${path}`, result);
    },
  };
};

interface Volume {
  readonly path: string;
  readonly base: string;
  readonly capacityBytes: number;
  readonly allocatedBytes: number;
}

const parseVolume = (xml: string): Volume => {
  const volume = parseXml(xml);
  const text = (...path: string[]): string => childAt(volume, ...path)?.text ?? '';
  return {
    path: text('target', 'path'),
    base: text('backingStore', 'path'),
    capacityBytes: Number(text('capacity')),
    allocatedBytes: Number(text('allocation')),
  };
};

const volumeXml = (volume: { name: string; capacityBytes: number; base: string }): string => `<volume>
  <name>${escapeXml(volume.name)}</name>
  <capacity unit='bytes'>${volume.capacityBytes}</capacity>
  <target>
    <format type='qcow2'/>
    <compat>1.1</compat>
    <permissions><mode>0600</mode></permissions>
  </target>
  <backingStore>
    <path>${escapeXml(volume.base)}</path>
    <format type='qcow2'/>
  </backingStore>
</volume>
`;

const noSuchVolume = ({ stderr }: VirshResult): boolean => /Storage volume not found/.test(stderr);

const taken = (path: string): HypervisorError =>
  new HypervisorError(`${path} is there already, and is not the new disk of this machine`, {
    code: 'place-taken',
    retryable: false,
    hint: 'look whose it is before it is moved away',
  });

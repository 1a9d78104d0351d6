import { HypervisorError } from '../../domain/errors.ts';
import { readdressed } from '../../drivers/builder/readdress.ts';
import type { BaseImage, HostCapacity, MachineBuilder, MachinePlaces, SeedFiles } from '../../ports/machine-builder.ts';
import { modelDomainXml } from './model-domain-xml.ts';

export const MODEL_BASE: BaseImage = {
  digest: `sha256:${'b'.repeat(64)}`,
  path: '/vms/bases/base.qcow2',
  virtualSizeBytes: 2 * 1024 ** 3,
  boot: { kind: 'disk' },
};

/** The files of machines in memory, and the handles by which a test takes things away from the host. */
export interface ModelBuilder extends MachineBuilder {
  /** What lies where, by path. */
  readonly files: Map<string, string>;
  readonly seeds: Map<string, SeedFiles>;
  /** What this host is to lack from now on. */
  lacks(...sentences: readonly string[]): void;
  has(capacity: Partial<HostCapacity>): void;
  base(base: BaseImage | 'absent'): void;
}

export const placesOf = (name: string): MachinePlaces => ({
  disk: `/vms/${name}.qcow2`,
  seedDirectory: `/vms/cloud-init/${name}`,
  seed: `/vms/cloud-init/${name}/seed.iso`,
});

/** A storage pool with room and one base. */
export const createModelBuilder = (files = new Map<string, string>()): ModelBuilder => {
  const seeds = new Map<string, SeedFiles>();
  let lacking: readonly string[] = [];
  let current: BaseImage | 'absent' = MODEL_BASE;
  let capacity: HostCapacity = {
    cpus: 8,
    memoryMib: 65_536,
    memoryFreeMib: 32_768,
    storageFreeBytes: 1024 ** 4,
    accelerator: 'tcg',
  };
  return {
    files,
    seeds,
    lacks: (...sentences) => {
      lacking = sentences;
    },
    has: (change) => {
      capacity = { ...capacity, ...change };
    },
    base: (base) => {
      current = base;
    },
    missing: async () => lacking,
    capacity: async () => capacity,
    currentBase: async () => current,
    verifyBase: async (digest) => {
      if (current === 'absent' || current.digest !== digest)
        throw new HypervisorError(`the base ${digest} is not there`, { code: 'base-missing', retryable: false });
    },
    placesOf,
    occupied: async (name) => [placesOf(name).disk, placesOf(name).seed].filter((path) => files.has(path)),
    makeDisk: async ({ name, uuid }) => {
      const { disk } = placesOf(name);
      if ((files.get(disk) ?? uuid) !== uuid)
        throw new HypervisorError(`${disk} is there already`, { code: 'place-taken', retryable: false });
      files.set(disk, uuid);
    },
    removeDisk: async (name) => void files.delete(placesOf(name).disk),
    makeSeed: async (name, documents) => {
      files.set(placesOf(name).seed, 'seed');
      seeds.set(name, documents);
    },
    renewNetwork: async (name, networkConfig) => {
      const documents = seeds.get(name);
      if (documents === undefined)
        throw new HypervisorError(`there is no seed of ${name}`, { code: 'seed-unknown', retryable: false });
      seeds.set(name, { ...documents, networkConfig });
    },
    removeSeed: async (name) => {
      files.delete(placesOf(name).seed);
      seeds.delete(name);
    },
    definitionOf: ({ uuid, name, mac, metadata }) =>
      modelDomainXml({
        uuid,
        name,
        disks: [placesOf(name).disk],
        seeds: [placesOf(name).seed],
        interfaces: [{ mac, linkUp: true }],
        metadata,
      }),
    readdressed,
  };
};

import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HypervisorError } from '../../domain/errors.ts';
import type { MachineBuilder, MachinePlaces } from '../../ports/machine-builder.ts';
import { createBaseStore } from '../bases/base-store.ts';
import { isErrno } from '../files/shared-ownership.ts';
import { type AcceleratorDeps, seeAccelerator } from './accelerator.ts';
import { readCapacity } from './capacity.ts';
import { createDisks } from './disks.ts';
import { machineXml } from './machine-xml.ts';
import { ensureFilter } from './network-filter.ts';
import { missingOfNetwork } from './network-probe.ts';
import { lookAtPool, missingOfPool } from './pool.ts';
import { readdressed } from './readdress.ts';
import { makeSeed, missingOfSeeds, removeSeed, renewNetwork } from './seeds.ts';

export interface MachineBuilderDeps extends AcceleratorDeps {
  readonly storagePool: string;
  readonly storagePath: string;
  readonly cloudInitDir: string;
  readonly bridge: string;
}

/** Builds machines through libvirt. Disks go through its pool, seeds and bases are files of ours. */
export const createMachineBuilder = (deps: MachineBuilderDeps): MachineBuilder => {
  const { shells, storagePool, storagePath, bridge } = deps;
  const bases = createBaseStore({ directory: deps.basesDir });
  const disks = createDisks(deps);
  const placesOf = (name: string): MachinePlaces => {
    checkName(name);
    const seedDirectory = join(deps.cloudInitDir, name);
    return {
      disk: join(storagePath, `${name}.qcow2`),
      seedDirectory,
      seed: join(seedDirectory, `${name}-cloud-init.iso`),
    };
  };
  const missingTools = async (): Promise<readonly string[]> => {
    const work = join(
      deps.onlyLooks === true ? tmpdir() : deps.stateDir,
      `.seed-probe-${randomBytes(6).toString('hex')}`,
    );
    try {
      const missing = await missingOfSeeds(work);
      return missing === undefined ? [] : [missing];
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  };
  return {
    missing: async () => {
      const pool = missingOfPool(storagePool, await lookAtPool(shells, storagePool), storagePath);
      return [...pool, ...(await missingTools()), ...(await missingOfNetwork(shells, bridge, deps))];
    },
    capacity: async () => {
      const host = await readCapacity(shells, storagePool);
      return { ...host, accelerator: await seeAccelerator(deps) };
    },
    currentBase: bases.current,
    verifyBase: bases.verify,
    placesOf,
    occupied: async (name) => {
      const { disk, seedDirectory } = placesOf(name);
      const occupied = [(await disks.occupies(disk)) && disk, (await hasEntries(seedDirectory)) && seedDirectory];
      return occupied.filter((path) => path !== false);
    },
    makeDisk: async (spec) => {
      await ensureFilter(shells); // the definition that follows refers to it
      await disks.make(spec, placesOf(spec.name).disk);
    },
    removeDisk: async (name) => disks.remove(placesOf(name).disk),
    makeSeed: async (name, files) => makeSeed(placesOf(name), files),
    renewNetwork: async (name, networkConfig) => renewNetwork(placesOf(name), networkConfig),
    removeSeed: async (name) => removeSeed(placesOf(name)),
    definitionOf: (spec) => machineXml(spec, { places: placesOf(spec.name), bridge }),
    readdressed,
  };
};

const hasEntries = async (directory: string): Promise<boolean> => {
  try {
    return (await readdir(directory)).length > 0;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    if (isErrno(error, 'ENOTDIR')) return true;
    throw new HypervisorError(`cannot look into ${directory}`, {
      code: 'seed-unreadable',
      retryable: true,
      cause: error,
    });
  }
};

/** Names become names of files; whoever calls has checked them by stricter rules. */
const checkName = (name: string): void => {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return;
  throw new HypervisorError(`"${name}" cannot be the name of a machine's files`, {
    code: 'machine-name',
    retryable: false,
    hint: 'letters, digits, dot, dash and underscore',
  });
};

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/load.ts';
import type { Paths } from '../config/paths.ts';
import { createMachineBuilder } from '../drivers/builder/machine-builder.ts';
import { ensureSharedDirectory, ensureTraversableDirectory } from '../drivers/files/shared-ownership.ts';
import { createLocks } from '../drivers/lock/locks.ts';
import { createQuarantine } from '../drivers/quarantine/quarantine.ts';
import { createRecords } from '../drivers/records/records.ts';
import { createGuestAgent } from '../drivers/virsh/guest-agent.ts';
import { createHypervisor } from '../drivers/virsh/hypervisor.ts';
import { createShells } from '../drivers/virsh/shells.ts';
import type { Deps } from '../operations/deps.ts';
import type { Chain } from '../ports/chain.ts';
import type { Clock } from '../ports/clock.ts';
import type { Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import { createSeeds } from './create-seeds.ts';
import { hostAddresses } from './host-addresses.ts';
import { openHostRoutes } from './open-host-routes.ts';
import { openOurJournal } from './open-journal.ts';
import { ownDirectoriesOf } from './own-directories.ts';
import { version } from './version.ts';

/** Changes with every boot; where the kernel does not tell, every start of the daemon counts as one boot. */
const readBootId = async (startedUnixMs: number): Promise<string> => {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    return `start-${startedUnixMs}`;
  }
};

export interface HostOptions {
  readonly config: Config;
  readonly paths: Paths;
  readonly clock: Clock;
  readonly log: Log;
  readonly gateWaitsFor: () => readonly string[];
  /** Nothing is to be written: not even the directories of our own are made. */
  readonly onlyLooks?: boolean;
}

/** Joins the real drivers to what the operations ask for. Which chain reader it is depends on who can wait for what. */
export const joinHost = async <C extends Chain>(options: HostOptions, chainWith: (journal: Journal) => C) => {
  const { config, paths, clock, log, gateWaitsFor, onlyLooks = false } = options;
  if (!onlyLooks) {
    for (const directory of [paths.stateDir, paths.basesDir]) await ensureTraversableDirectory(directory);
    for (const directory of [paths.locksDir, paths.quarantineDir]) await ensureSharedDirectory(directory);
  }
  const journal = await openOurJournal({ paths, clock, log });
  const shells = createShells({ uri: config.libvirtUri, clock, log });
  const hypervisor = createHypervisor({ clock, log, shells });
  const chain = chainWith(journal);
  const bootId = await readBootId(clock.nowUnixMs());
  const { cloudInitDir } = config;
  const deps: Deps = {
    hypervisor,
    builder: createMachineBuilder({ ...config, ...paths, cloudInitDir, shells, clock, log, bootId, onlyLooks }),
    agent: createGuestAgent({ shells, clock }),
    chain,
    records: createRecords({ path: config.dbFile, clock, log }),
    journal,
    quarantine: createQuarantine({ directory: paths.quarantineDir }),
    locks: createLocks({ dir: paths.locksDir }),
    hostRoutes: openHostRoutes(options),
    seeds: createSeeds(config),
    pools: { ipv4: config.ipPool, ipv6: config.ipv6Pool },
    hostAddresses,
    clock,
    log,
    policy: config.policy,
    code: version,
    bootId,
    ownDirectories: ownDirectoriesOf(config),
    cloudInitDirectory: (name) => join(cloudInitDir, name),
    gateWaitsFor,
  };
  const close = async (): Promise<void> => {
    shells.close();
    await journal.close();
  };
  return { deps, journal, hypervisor, chain, close };
};

import type { Config } from '../config/load.ts';
import type { Paths } from '../config/paths.ts';
import { createLocks } from '../drivers/lock/locks.ts';
import { createRecords } from '../drivers/records/records.ts';
import { createGuestAgent } from '../drivers/virsh/guest-agent.ts';
import { createHypervisor } from '../drivers/virsh/hypervisor.ts';
import { createShells } from '../drivers/virsh/shells.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { openOurJournal } from './open-journal.ts';
import { ownDirectoriesOf } from './own-directories.ts';

export interface OpenMachinesOptions {
  readonly config: Config;
  readonly paths: Paths;
  readonly clock: Clock;
  readonly log: Log;
}

/** The host without the chain, for commands that have nothing to ask it: what reads a chain takes longest to load. */
export const openMachines = async ({ config, paths, clock, log }: OpenMachinesOptions) => {
  const shells = createShells({ uri: config.libvirtUri, clock, log });
  const journal = await openOurJournal({ paths, clock, log });
  return {
    hypervisor: createHypervisor({ clock, log, shells }),
    agent: createGuestAgent({ shells, clock }),
    records: createRecords({ path: config.dbFile, clock, log }),
    journal,
    ownDirectories: ownDirectoriesOf(config),
    locks: createLocks({ dir: paths.locksDir }),
    clock,
    close: async (): Promise<void> => {
      shells.close();
      await journal.close();
    },
  };
};

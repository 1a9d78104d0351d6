import { createRecords } from '../drivers/records/records.ts';
import { createHypervisor } from '../drivers/virsh/hypervisor.ts';
import { createShells } from '../drivers/virsh/shells.ts';
import { ownDirectoriesOf } from '../host/own-directories.ts';
import { refusal } from '../operations/explicit/context.ts';
import { statusOf } from '../operations/status.ts';
import { runCommand } from './run-command.ts';

/** `status <name>`: one of four words on stdout, exit 0, whatever is wrong with the question or the host (contract §2, D4). */
export const status = (names: readonly string[]): Promise<void> =>
  runCommand(
    'blockhost-vm-status',
    async ({ config, clock, log, out }) => {
      const [name = ''] = names;
      if (names.length !== 1 || name === '') throw refusal('the name of one machine is wanted');
      const shells = createShells({ uri: config.libvirtUri, clock, log });
      try {
        const hypervisor = createHypervisor({ clock, log, shells });
        const records = createRecords({ path: config.dbFile, clock, log });
        out(await statusOf({ records, hypervisor, ownDirectories: ownDirectoriesOf(config) }, name));
        return 0;
      } finally {
        shells.close();
      }
    },
    {
      onFailure: (out) => {
        out('unknown');
        return 0;
      },
    },
  );

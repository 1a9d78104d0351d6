import { createRecords } from '../drivers/records/records.ts';
import { createHypervisor } from '../drivers/virsh/hypervisor.ts';
import { createShells } from '../drivers/virsh/shells.ts';
import { statusOf } from '../operations/status.ts';
import { runCommand } from './run-command.ts';

/** `status <name>`: one of four words on stdout, exit 0 (contract §2). */
export const status = (name: string): Promise<void> =>
  runCommand('blockhost-vm-status', async ({ config, clock, log, out }) => {
    const shells = createShells({ uri: config.libvirtUri, clock, log });
    try {
      const hypervisor = createHypervisor({ clock, log, shells });
      const records = createRecords({ path: config.dbFile, clock, log });
      out(await statusOf({ records, hypervisor }, name));
      return 0;
    } finally {
      shells.close();
    }
  });

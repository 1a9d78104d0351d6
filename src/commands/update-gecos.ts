import type { Address } from '../domain/identity.ts';
import { updateGecos as updateMachine } from '../operations/update-gecos.ts';
import { withMachines } from './open-machines.ts';
import { runCommand } from './run-command.ts';

/** `update-gecos <name> <wallet> --nft-id <id>`: who may log in; exit 1 at once where the guest cannot be told. */
export const updateGecos = (name: string, owner: Address, tokenId: bigint): Promise<void> =>
  runCommand('blockhost-vm-update-gecos', (context) =>
    withMachines(context, async (machines) => {
      if (tokenId === 0n) context.tell("token 0 is the administrator's; it is written as asked, and never followed");
      await updateMachine(machines, name, { owner, tokenId });
      return 0;
    }),
  );

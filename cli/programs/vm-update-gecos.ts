import { type Command, InvalidArgumentError } from 'commander';
import type { Address } from '../../src/domain/identity.ts';
import { machineName } from './machine-name.ts';
import { program } from './program.ts';

const wallet = (text: string): Address => {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text))
    throw new InvalidArgumentError('wants an address: 0x and 40 hexadecimal digits.');
  return text.toLowerCase() as Address;
};

const tokenId = (text: string): bigint => {
  if (!/^[0-9]{1,78}$/.test(text)) throw new InvalidArgumentError('wants the number of a token.');
  return BigInt(text);
};

/** `blockhost-vm-update-gecos`: whom the guest lets in (interop §1, §8). */
export const vmUpdateGecos = (): Command =>
  program({
    name: 'blockhost-vm-update-gecos',
    description:
      "Lets a machine's login follow another wallet: writes it into GECOS through the guest agent and reads it back.",
    examples: ['blockhost-vm-update-gecos blockhost-007 0x8ba1f109551bd432803012645ac136ddd64dba72 --nft-id 7'],
    exitStatus: '0 when the guest names the wallet; 1 at once where it is off or its agent does not answer.',
  })
    .argument('<name>', 'name of the machine', machineName)
    .argument('<wallet>', 'address of the new owner', wallet)
    .requiredOption('--nft-id <id>', 'token that goes with it', tokenId)
    .action(async (name: string, owner: Address, options: { nftId: bigint }) =>
      (await import('../../src/commands/update-gecos.ts')).updateGecos(name, owner, options.nftId),
    );

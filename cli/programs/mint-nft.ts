import type { Command } from 'commander';
import type { MintArguments } from '../../src/commands/mint.ts';
import { program } from './program.ts';

/** `blockhost-mint-nft`: a credential token for the owner of a machine, where no engine mints. */
export const mintNft = (): Command =>
  program({
    name: 'blockhost-mint-nft',
    description: 'Mints the credential token of a machine; asked twice, it mints once. Prints its id as the last line.',
    examples: [
      'blockhost-mint-nft --owner-wallet 0x1111111111111111111111111111111111111111 --machine-id blockhost-007',
      'blockhost-mint-nft --owner-wallet 0x1111111111111111111111111111111111111111 --machine-id blockhost-007 --dry-run',
    ],
    exitStatus: '0 the token is there, 1 refused or not deep enough in the chain yet (ask again).',
  })
    .requiredOption('--owner-wallet <address>', 'who gets the token: 0x and 40 hexadecimal digits')
    .option(
      '--machine-id <id>',
      'the machine it is for, never minted for twice; wanted unless --user-encrypted is given',
    )
    .option('--user-encrypted <hex>', 'connection details that only the owner can read', '0x')
    .option('--public-secret <text>', 'the message that the owner signed; only older contracts keep it', '')
    .option('--dry-run', 'say what would be sent, and send nothing')
    .option('--key-file <path>', 'the key that mints, instead of the configured one')
    .option('--password-file <path>', "a file with the keystore's password on its first line")
    .action(async (given: MintArguments) => (await import('../../src/commands/mint.ts')).mint(given));

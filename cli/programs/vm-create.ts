import type { Command } from 'commander';
import type { RawCreateRequest } from '../../src/domain/create-request.ts';
import { program } from './program.ts';

/** `blockhost-vm-create`: makes a machine (contract §2). */
export const vmCreate = (): Command =>
  program({
    name: 'blockhost-vm-create',
    description: 'Makes a machine and prints one line of JSON. Without --apply it only shows what would be made.',
    examples: [
      'blockhost-vm-create blockhost-007 --owner-wallet 0x00000000000000000000000000000000000000a1',
      'blockhost-vm-create blockhost-007 --owner-wallet 0x00000000000000000000000000000000000000a1 --expiry-days 30 --no-mint --apply',
      'blockhost-vm-create testbox --owner-wallet 0x00000000000000000000000000000000000000a1 --cpu 2 --memory 4096 --disk 40 --apply',
    ],
    exitStatus: '0 made (or planned), 1 refused or failed: nothing is left behind, or stderr says what.',
  })
    .argument('<name>', 'name of the machine: letters, digits and dashes; <prefix>NNN binds it to subscription NNN')
    .requiredOption('--owner-wallet <address>', 'wallet of the owner')
    .option('--cpu <n>', 'virtual CPUs, 1 to 64 (1)')
    .option('--memory <mib>', 'memory in MiB, from 256 (2048)')
    .option('--disk <gib>', 'disk in GiB, from 1 (20)')
    .option('--apply', 'really do it')
    .option('--expiry-days <n>', "days until it expires, where no subscription says; db.yaml's default_expiry_days")
    .option('--username <name>', 'account in the guest (user)')
    .option('--cloud-init-content <path>', 'cloud-init user data that was rendered before')
    .option('--nft-token-id <id>', 'token that was reserved before; without it the next free one is reserved')
    .option('--no-mint', 'do not mint its credential (an engine does)')
    .option('--skip-mint', 'the same, as older callers spell it')
    .option('--user-signature <hex>', "owner's signature: the credential then carries encrypted connection details")
    .option('--public-secret <text>', 'what was signed; wanted with --user-signature')
    .option('--mock', 'use ./mock-db.json; touch neither libvirt, chain nor host')
    .action(async (name: string, options: Omit<RawCreateRequest, 'name'>) =>
      (await import('../../src/commands/create.ts')).create({ ...options, name }),
    );

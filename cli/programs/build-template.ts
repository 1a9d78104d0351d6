import type { Command } from 'commander';
import type { BuildTemplateFlags } from '../../src/commands/build-template.ts';
import { program } from './program.ts';

/** `blockhost-build-template`: the image that new machines start from (contract §2). */
export const buildTemplate = (): Command =>
  program({
    name: 'blockhost-build-template',
    description:
      'Builds or updates the image that new machines start from: of Debian packages, or from a cloud image. Machines that exist keep theirs.',
    examples: [
      'blockhost-build-template',
      'blockhost-build-template --suite bookworm --rebuild',
      'blockhost-build-template --url https://example.org/debian-12-genericcloud-amd64.qcow2 --checksum sha512:HEX',
      'blockhost-build-template --image ./debian-12.qcow2 --as-is',
      'blockhost-build-template --install-missing',
    ],
    exitStatus: '0 built or up to date already, 1 refused or failed and nothing changed, 130 interrupted.',
  })
    .option('--url <url>', 'download a cloud image; an interrupted download goes on where it was')
    .option('--checksum <checksum>', 'what the image must be: sha256:HEX or sha512:HEX; required with --url')
    .option('--image <file>', 'take a cloud image from a file')
    .option('--as-is', 'install nothing into the cloud image: it brings cloud-init and qemu-guest-agent itself')
    .option('--from-packages', 'use Debian packages although the configuration names an image')
    .option('--suite <release>', 'the Debian release that packages come from, instead of the host’s own')
    .option('--rebuild', 'build although nothing changed, to take in newer packages')
    .option('--install-missing', 'install the Debian packages that this host lacks for it')
    .action(async (flags: BuildTemplateFlags) =>
      (await import('../../src/commands/build-template.ts')).buildTemplateCommand(flags),
    );

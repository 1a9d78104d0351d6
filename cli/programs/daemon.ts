import type { Command } from 'commander';
import { program } from './program.ts';

/** `blockhost-provisionerd`: the daemon. */
export const daemon = (): Command =>
  program({
    name: 'blockhost-provisionerd',
    description: "Watches chain, libvirt and clock, and takes customers' machines through suspend, resume and destroy.",
    details: [
      'It runs in the foreground and logs JSON lines to stdout. SIGTERM ends it after what is under way; SIGHUP makes it look at every machine. Configuration: /etc/blockhost/db.yaml and, optional, /etc/blockhost/provisioner.yaml.',
    ],
    environment: {
      BLOCKHOST_ROOT: 'put before every absolute path that is read or written',
      LIBVIRT_DEFAULT_URI: 'which libvirt, if provisioner.yaml does not say (qemu:///system)',
      BLOCKHOST_LOG_LEVEL: 'info (default) or debug',
    },
    examples: ['blockhost-provisionerd --check-config', 'systemctl reload blockhost-provisioner'],
    exitStatus:
      '0 stopped as asked, 1 an operator is needed (configuration, a second daemon, a damaged journal), 75 try again.',
  })
    .option('--check-config', 'read the configuration, say what is wrong with it, and exit')
    .action(async (options: { checkConfig?: boolean }) => {
      const { checkConfig, runDaemon } = await import('../../src/daemon/main.ts');
      // Everything is drained and closed here; a kept-alive socket or an idle timer is no reason to stay.
      process.exit(options.checkConfig ? await checkConfig() : await runDaemon());
    });

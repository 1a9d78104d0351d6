import { Command } from 'commander';
import { checkConfig, runDaemon } from '../../src/daemon/main.ts';
import { version } from './version.ts';

const HELP = `
It runs in the foreground and logs JSON lines to stdout. SIGTERM ends it after what is under way; SIGHUP makes it look at
every machine. Configuration: /etc/blockhost/db.yaml and, optional, /etc/blockhost/provisioner.yaml.

Environment:
  BLOCKHOST_ROOT           put before every absolute path that is read or written
  LIBVIRT_DEFAULT_URI      which libvirt, if provisioner.yaml does not say (qemu:///system)
  BLOCKHOST_LOG_LEVEL      info (default) or debug

Examples:
  blockhost-provisionerd --check-config
  systemctl reload blockhost-provisioner

Exit status: 0 stopped as asked, 1 an operator is needed (configuration, a second daemon, a damaged journal), 75 try again.`;

/** `blockhost-provisionerd`: the daemon. */
export const daemon = (): Command =>
  new Command('blockhost-provisionerd')
    .description("Watches chain, libvirt and clock, and takes customers' machines through suspend, resume and destroy.")
    .version(version)
    .option('--check-config', 'read the configuration, say what is wrong with it, and exit')
    .addHelpText('after', HELP)
    .action(async (options: { checkConfig?: boolean }) => {
      // Everything is drained and closed here; a kept-alive socket or an idle timer is no reason to stay.
      process.exit(options.checkConfig ? await checkConfig() : await runDaemon());
    });

import { isAbsolute, join, normalize } from 'node:path';
import { ConfigError } from '../domain/errors.ts';

/** Every absolute path that the program reads or writes, apart from those that db.yaml names (see `underRoot`). */
export interface Paths {
  /** What is put before every absolute path: empty on a real host, a directory in tests (D2). */
  readonly root: string;
  readonly dbYaml: string;
  readonly provisionerYaml: string;
  readonly web3Yaml: string;
  readonly blockhostYaml: string;
  readonly brokerAllocation: string;
  /** The engine's environment file. */
  readonly engineEnv: string;
  /** Its presence means that the engine mints (D13). */
  readonly engineManifest: string;
  /** The host's shared state directory. */
  readonly hostStateDir: string;
  readonly vmsJson: string;
  /** `<cloudInitDir>/<vm name>/` holds what a guest got at its first start. */
  readonly cloudInitDir: string;
  /** Our own state; below it the next four. */
  readonly stateDir: string;
  readonly journal: string;
  readonly locksDir: string;
  readonly quarantineDir: string;
  readonly basesDir: string;
  /** One file per machine: what was sent to mint its token. */
  readonly mintsDir: string;
  /** Where the host's packages put cloud-init templates. */
  readonly templatesDir: string;
  /** Where templates are built, on the same file system as the bases. */
  readonly templateWorkDir: string;
  /** .deb files that every template gets (the installer puts them there). */
  readonly templatePackagesDir: string;
  /** The daemon's runtime directory; /run/blockhost is wiped whenever the root agent restarts (D2). */
  readonly runDir: string;
  /** What the daemon counted last of all machines, for metrics. */
  readonly daemonSamples: string;
  /** The same by commands, where no daemon counts. */
  readonly ownSamples: string;
  readonly rootAgentSocket: string;
  /** Puts the root before an absolute path from a configuration file; a path that is below the root already stays. */
  underRoot(path: string): string;
}

/**
 * Names every path, with `BLOCKHOST_ROOT` put before it (D2). Throws `ConfigError` where that variable is set to
 * anything but an absolute path: a relative one would silently mean another place for every caller.
 */
export const createPaths = (env: Readonly<Record<string, string | undefined>>): Paths => {
  const root = rootFrom(env.BLOCKHOST_ROOT);
  const underRoot = (path: string): string =>
    root === '' || path === root || path.startsWith(`${root}/`) ? path : join(root, path);
  const etc = (name: string): string => underRoot(join('/etc/blockhost', name));
  const host = (name: string): string => underRoot(join('/var/lib/blockhost', name));
  const state = (name: string): string => join(host('provisioner'), name);
  return {
    root,
    dbYaml: etc('db.yaml'),
    provisionerYaml: etc('provisioner.yaml'),
    web3Yaml: etc('web3-defaults.yaml'),
    blockhostYaml: etc('blockhost.yaml'),
    brokerAllocation: etc('broker-allocation.json'),
    engineEnv: underRoot('/opt/blockhost/.env'),
    engineManifest: underRoot('/usr/share/blockhost/engine.json'),
    hostStateDir: underRoot('/var/lib/blockhost'),
    vmsJson: host('vms.json'),
    cloudInitDir: host('cloud-init'),
    stateDir: host('provisioner'),
    journal: state('journal.ndjson'),
    locksDir: state('locks'),
    quarantineDir: state('quarantine'),
    basesDir: state('bases'),
    mintsDir: state('mints'),
    templatesDir: underRoot('/usr/share/blockhost/cloud-init/templates'),
    templateWorkDir: state('template'),
    templatePackagesDir: host('template-packages'),
    runDir: underRoot('/run/blockhost-provisioner'),
    daemonSamples: underRoot('/run/blockhost-provisioner/samples.json'),
    ownSamples: state('samples.json'),
    rootAgentSocket: underRoot('/run/blockhost/root-agent.sock'),
    underRoot,
  };
};

const rootFrom = (value: string | undefined): string => {
  if (value === undefined || value === '') return '';
  if (!isAbsolute(value) || value.includes('\0')) {
    throw new ConfigError(`BLOCKHOST_ROOT is "${value}"; wants an absolute path`, {
      code: 'CONFIG_INVALID',
      retryable: false,
      hint: 'unset it, or give a path that begins with /',
    });
  }
  return normalize(value).replace(/\/+$/, '');
};

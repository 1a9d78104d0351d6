import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DebianRoot } from '../lab/debian-root.ts';
import { namespacePropagation } from '../lab/libvirtd-process.ts';
import { repositoryPath } from '../lab/repository.ts';
import { readUnit, type UnitFile } from '../support/unit-file.ts';

/** Where services run: a Debian in a directory, and the libvirt that is shown to them. */
export interface ServiceHost {
  readonly root: DebianRoot;
  /** Is /run/libvirt to them. */
  readonly libvirtRun: string;
}

/** A service of that host. */
export interface Service {
  readonly unit: UnitFile;
  /** The argv that runs a program, its own unless another is named, as what the unit makes of it. */
  readonly argv: (program?: readonly string[]) => string[];
  /** Makes its runtime directories, as each start does; `end` removes them. */
  readonly begin: () => Promise<void>;
  readonly end: () => Promise<void>;
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** What of ours is on the host, beside what belongs there. */
const BROUGHT = [
  ...['test/python/unit_filter.py', 'test/python/root_agent.py', 'test/python/ask_root_agent.py'],
  'test/support/unit-probe.sh',
];
const SETTLE = 'umask "$1"; ulimit -c "$2"; cd "$3"; shift 3; exec "$@"';

/** Where the host has one of them. */
export const brought = (name: string): string => `/usr/local/lib/lab/${name}`;

/** Puts into a host what its services are started and asked with. */
export const prepareServices = async (root: DebianRoot): Promise<void> => {
  for (const file of BROUGHT)
    await root.write(brought(basename(file)).slice(1), await readFile(repositoryPath(file), 'utf8'), 0o755);
};

const lettingIn = (unit: UnitFile): readonly string[] => {
  const runtime = (unit.words('RuntimeDirectory') ?? []).map((name) => `/run/${name}`);
  const paths = [...unit.all('ReadWritePaths').flatMap((line) => line.split(' ')), ...runtime];
  const own = [
    ...(unit.is('PrivateTmp') ? ['/tmp', '/var/tmp'] : []),
    ...(unit.is('ProtectHome') ? ['/home', '/root'] : []),
  ];
  const kernel = unit.is('ProtectKernelTunables') ? 'ro' : 'rw';
  return [unit.is('ProtectSystem') ? paths.join(' ') : 'all', own.join(' '), kernel];
};

const privileges = (unit: UnitFile): readonly string[] => [
  ...[`--reuid=${unit.words('User')?.[0] ?? 'root'}`, `--regid=${unit.words('Group')?.[0] ?? 'root'}`, '--init-groups'],
  ...(unit.is('NoNewPrivileges') ? ['--no-new-privs'] : []),
  ...(unit.words('CapabilityBoundingSet')?.length === 0
    ? ['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all']
    : []),
  // After the change of user, which would undo it.
  ...['--pdeathsig', 'KILL'],
];

const environmentOf = async (unit: UnitFile, root: DebianRoot): Promise<readonly string[]> => {
  const files = await Promise.all(unit.all('EnvironmentFile').map((file) => readFile(join(root.dir, file), 'utf8')));
  const [user = 'root'] = unit.words('User') ?? [];
  const home = await root.out(`getent passwd ${user} | cut -d: -f6`);
  return [PATH, `HOME=${home}`, `USER=${user}`, `LOGNAME=${user}`, ...files.flatMap((text) => text.trim().split('\n'))];
};

/** A service by its unit, a file that lies in the host at `path`; `more` is what the manager adds to its environment. */
export const openService = async (host: ServiceHost, path: string, more: readonly string[] = []): Promise<Service> => {
  const { root } = host;
  const unit = readUnit(await readFile(join(root.dir, path), 'utf8'));
  const environment = [...(await environmentOf(unit, root)), ...more];
  const filter = unit.all('SystemCallFilter').length > 0 ? ['/usr/bin/python3', brought('unit_filter.py'), path] : [];
  const core = unit.words('LimitCORE')?.[0] ?? 'unlimited';
  const settle = [unit.words('UMask')?.[0] ?? '0022', core, unit.words('WorkingDirectory')?.[0] ?? '/'];
  const runtime = (unit.words('RuntimeDirectory') ?? []).map((name) => `/run/${name}`).join(' ');
  const owner = `${unit.words('User')?.[0] ?? 'root'}:${unit.words('Group')?.[0] ?? 'root'}`;
  return {
    unit,
    argv: (program = unit.words('ExecStart') ?? []) => [
      ...['unshare', '--mount', '--propagation', namespacePropagation() ?? 'private'],
      ...[repositoryPath('test/support/unit-root.sh'), root.dir, host.libvirtRun, ...lettingIn(unit)],
      ...['/usr/bin/env', '-i', ...environment, '/usr/bin/setpriv', ...privileges(unit)],
      ...['/bin/sh', '-c', SETTLE, 'sh', ...settle, ...filter, ...program],
    ],
    begin: async () => {
      if (runtime === '') return;
      const mode = unit.words('RuntimeDirectoryMode')?.[0] ?? '0755';
      await root.out(`mkdir -p ${runtime}; chown ${owner} ${runtime}; chmod ${mode} ${runtime}`);
    },
    end: async () => {
      if (runtime !== '') await root.out(`rm -rf ${runtime}`);
    },
  };
};

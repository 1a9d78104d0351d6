import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { giveTo } from './access.ts';
import { repositoryPath } from './repository.ts';

/** A libvirtd that has been launched, not yet one that answers. */
export interface LibvirtdProcess {
  readonly mode: 'namespace' | 'session';
  readonly uri: string;
  readonly child: ChildProcess;
  /** Host pid of `child`: its death ends everything below it. */
  readonly pid: number;
  /** The user that qemu runs as, where it is another one than ours. */
  readonly user: number | undefined;
}

/** What is asked of a private libvirtd beyond answering. All of it needs namespaces, hence root. */
export interface LibvirtdOptions {
  /** A network namespace of its own with a bridge of this name in it (10.77.0.1/24, fd77::1/64): guests get real taps there. */
  readonly bridge?: string;
  /** The user that qemu runs as, with libvirt giving files to it, as on a Debian host; root, and no giving, unless told. */
  readonly qemuUser?: string;
  /** Shows it this machine's /dev/kvm, working or not. */
  readonly kvm?: boolean;
  /** What it sees as /var/lib/blockhost: the directory of a host that has a root of its own. */
  readonly stateDir?: string;
  /** The group that may speak to it, as group libvirt may on a Debian host; root alone unless told. */
  readonly socketGroup?: number;
}

/** Debian's `nobody`: libvirtd is a session daemon for anyone but root, and root may be refused namespaces (plain containers). */
const nobody = 65534;

// sun_path holds 108 bytes; the longest one below the directory is a qemu monitor of a session daemon.
const longestDir = { namespace: 80, session: 40 };

/**
 * Launches libvirtd with all its state below `dir`: in private mount and pid namespaces where that is allowed, else as a
 * session daemon. Either dies with this process, also when that is killed: the namespaces by PDEATHSIG and the death of
 * their pid 1, the session daemon by a script that takes SIGTERM as its parent's death.
 */
export async function launchLibvirtd(dir: string, options: LibvirtdOptions = {}): Promise<LibvirtdProcess> {
  const propagation = namespacePropagation();
  const mode = propagation === undefined ? 'session' : 'namespace';
  if (mode === 'session' && Object.keys(options).length > 0) {
    throw new Error(`a libvirtd with ${Object.keys(options).join(', ')} needs root and namespaces`);
  }
  if (dir.length > longestDir[mode]) throw new Error(`too long for unix sockets below it (${mode} mode): ${dir}`);
  await writeConfig(join(dir, 'etc/libvirt'), mode, options);
  const user = mode === 'session' && process.getuid?.() === 0 ? nobody : undefined;
  for (const folder of [
    '',
    'control',
    'run',
    'etc',
    'etc/libvirt',
    'etc/libvirt/qemu',
    'var',
    'var/lib',
    'var/cache',
    'var/log',
  ]) {
    await mkdir(join(dir, folder), { recursive: true });
    await giveTo(user, join(dir, folder));
  }
  const argv = propagation === undefined ? sessionArgv(dir, user) : namespaceArgv(dir, propagation, options);
  const child = spawn('setpriv', argv, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
  });
  if (child.pid === undefined) throw new Error('setpriv (util-linux) could not be started');
  const scheme = mode === 'namespace' ? 'qemu+unix:///system' : 'qemu+unix:///session';
  return { mode, child, pid: child.pid, user, uri: `${scheme}?socket=${join(dir, 'run/libvirt/libvirt-sock')}` };
}

function namespaceArgv(dir: string, propagation: string, options: LibvirtdOptions): string[] {
  const { bridge, kvm, stateDir } = options;
  const unshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--propagation', propagation];
  const network = bridge === undefined ? [] : ['--net'];
  const what = [dir, bridge ?? '-', kvm === true ? 'kvm' : '-', stateDir ?? '-'];
  return ['--pdeathsig', 'KILL', ...unshare, ...network, 'tini', '--', ...script('libvirtd-namespace.sh'), ...what];
}

// tini -s reaps the qemus that daemonise: where pid 1 does not, libvirt waits for zombies.
function sessionArgv(dir: string, user: number | undefined): string[] {
  const as = user === undefined ? [] : [`--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  return ['--pdeathsig', 'TERM', ...as, 'tini', '-s', '--', ...script('libvirtd-session.sh'), dir];
}

// As text: another user may not be able to read this repository.
function script(name: string): string[] {
  return ['sh', '-c', readFileSync(repositoryPath('test/lab', name), 'utf8'), name];
}

/** May this user have a libvirtd in namespaces, and so one with `LibvirtdOptions`? */
export const namespacesAllowed = (): boolean => namespacePropagation() !== undefined;

/**
 * How to unshare so that no mount gets out, or undefined if one may not. In a chroot that is not a mount point nothing can
 * be made private, which is harmless where nothing is shared.
 */
export function namespacePropagation(): 'private' | 'unchanged' | undefined {
  const allowed = (propagation: string): boolean =>
    spawnSync('unshare', ['--mount', '--pid', '--fork', '--propagation', propagation, 'true']).status === 0;
  if (process.getuid?.() !== 0) return undefined;
  if (allowed('private')) return 'private';
  const shared = / shared:\d/.test(readFileSync('/proc/self/mountinfo', 'utf8'));
  return !shared && allowed('unchanged') ? 'unchanged' : undefined;
}

async function writeConfig(
  folder: string,
  mode: 'namespace' | 'session',
  { qemuUser, socketGroup }: LibvirtdOptions,
): Promise<void> {
  await mkdir(join(folder, 'qemu'), { recursive: true });
  const daemon = [
    'auth_unix_ro = "none"',
    'auth_unix_rw = "none"',
    'host_uuid = "6b8a1f0e-4e2b-4f0e-9c51-0a7b9a6b1d5e"',
  ];
  const closed = ['unix_sock_ro_perms = "0700"', 'unix_sock_rw_perms = "0700"'];
  const ofGroup = [`unix_sock_group = "+${socketGroup}"`, 'unix_sock_ro_perms = "0770"', 'unix_sock_rw_perms = "0770"'];
  const perms = socketGroup === undefined ? closed : ofGroup;
  // Without virtlogd logs must be plain files. Root as qemu's user: the directories are the caller's to choose.
  const qemu = ['stdio_handler = "file"', 'security_driver = "none"', 'namespaces = []'];
  const asRoot = ['user = "root"', 'group = "root"', 'dynamic_ownership = 0', 'remember_owner = 0'];
  const privileged = qemuUser === undefined ? asRoot : [`user = "${qemuUser}"`, `group = "${qemuUser}"`];
  await writeFile(join(folder, 'libvirtd.conf'), lines([...daemon, ...(mode === 'namespace' ? perms : [])]));
  await writeFile(join(folder, 'qemu.conf'), lines([...qemu, ...(mode === 'namespace' ? privileged : [])]));
}

const lines = (entries: string[]): string => `${entries.join('\n')}\n`;

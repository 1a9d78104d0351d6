import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryPath } from '../../lab/repository.ts';

/** What a first boot finds, beyond an empty host (stub.sh says what the files are). */
export interface FirstBootOptions {
  readonly systemd?: boolean;
  readonly kvm?: 'works' | 'refused' | 'dead' | 'translated';
  readonly files?: Readonly<Record<string, string>>;
  /** Programs that are the real ones. */
  readonly real?: readonly string[];
}

export interface FirstBootRun {
  readonly exitCode: number | null;
  readonly lines: readonly string[];
  /** Calls of the host's programs, in order. */
  readonly calls: readonly string[];
}

const STUBBED = ['apt-get', 'dpkg-query', 'systemctl', 'virsh', 'modprobe', 'qemu-system-x86_64'];

/** What of /etc the programs need that are not played; the users are there to be changed. */
const OF_ETC = [
  ...['passwd', 'group', 'shadow', 'gshadow', 'login.defs', 'nsswitch.conf', 'ld.so.cache', 'alternatives'],
  ...['default/useradd', 'dpkg'],
];

/** Patience for tests: no pauses, and a dead KVM is found out in a second. */
const QUICK = {
  BLOCKHOST_APT_PAUSE_SECONDS: '0',
  BLOCKHOST_LIBVIRT_WAIT_SECONDS: '1',
  BLOCKHOST_KVM_WAIT_SECONDS: '1',
};

/** A host that has nothing yet, on which the hook runs with its own /etc, /dev and /run. Root alone can have one. */
export const createFirstBootHost = ({ systemd = true, kvm, files = {}, real = [] }: FirstBootOptions = {}) => {
  const world = mkdtempSync(join(tmpdir(), 'first-boot-'));
  chmodSync(world, 0o755);
  const stateDir = join(world, 'state');
  const logFile = join(world, 'log/first-boot.log');
  for (const name of OF_ETC.filter((each) => existsSync(join('/etc', each))))
    cpSync(join('/etc', name), join(world, 'etc', name), { recursive: true, verbatimSymlinks: true });
  mkdirSync(join(world, 'bin'));
  for (const name of STUBBED.filter((each) => !real.includes(each)))
    symlinkSync(repositoryPath('test/support/first-boot/stub.sh'), join(world, 'bin', name));
  const given = { installed: '', calls: '', ...(kvm === undefined ? {} : { kvm }), ...files };
  for (const [name, text] of Object.entries(given)) writeFileSync(join(world, name), text);

  const run = async (env: Readonly<Record<string, string>> = {}, as: readonly string[] = []): Promise<FirstBootRun> => {
    const from = readFileSync(join(world, 'calls'), 'utf8').length;
    const script = repositoryPath('test/support/first-boot/namespace.sh');
    const argv = ['--mount', '--propagation', 'private', script, world, repositoryPath('hooks/first-boot.sh')];
    const PATH = `${join(world, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`;
    const [program = '', ...args] =
      as.length > 0
        ? [...as, repositoryPath('hooks/first-boot.sh')]
        : ['unshare', ...argv, systemd ? 'systemd' : '-', kvm ?? '-'];
    const child = spawn(program, args, {
      env: { PATH, STATE_DIR: stateDir, LOG_FILE: logFile, TMPDIR: world, ...QUICK, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    await once(child, 'close');
    const calls = readFileSync(join(world, 'calls'), 'utf8').slice(from).split('\n').filter(Boolean);
    return { exitCode: child.exitCode, lines: output.split('\n').filter(Boolean), calls };
  };

  return {
    world,
    stateDir,
    logFile,
    run,
    /** What its markers say; a step that was not done has none. */
    markers: (): Readonly<Record<string, string>> =>
      Object.fromEntries(
        ['.step-libvirt', '.step-kvm-check']
          .filter((name) => existsSync(join(stateDir, name)))
          .map((name) => [name, readFileSync(join(stateDir, name), 'utf8').trim()]),
      ),
    /** As the host's own databases have it. */
    groupsOfUser: (): readonly string[] =>
      readFileSync(join(world, 'etc/group'), 'utf8')
        .split('\n')
        .filter((line) => /[:,]blockhost(,|$)/.test(line))
        .map((line) => line.split(':')[0] ?? ''),
    uidOfUser: (): number =>
      Number(/^blockhost:[^:]*:(\d+):/m.exec(readFileSync(join(world, 'etc/passwd'), 'utf8'))?.[1]),
    directory: (name: string) => {
      const { mode, uid } = statSync(join(stateDir, name));
      return { mode: (mode & 0o7777).toString(8), uid };
    },
    set: (name: string, text: string): void => writeFileSync(join(world, name), text),
    has: (name: string): boolean => existsSync(join(world, name)),
    remove: (): void => rmSync(world, { recursive: true, force: true }),
  };
};

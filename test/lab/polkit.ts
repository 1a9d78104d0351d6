import { existsSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { LibvirtLab } from './libvirt.ts';
import { namespacesAllowed } from './libvirtd-process.ts';
import { descendants, signal, until } from './processes.ts';
import type { Ended } from './programs.ts';
import { repositoryPath } from './repository.ts';

/** Who a program is run as: the one whom rules are for, or the one whom polkit never refuses. */
export type PolkitUser = 'blockhost' | 'root';

/** A polkitd beside a libvirtd of the laboratory, and users whom both see as they see those of a host. */
export interface Polkit {
  /** The uid of `blockhost`. */
  readonly uid: number;
  /** As Debian ships it, libvirtd asks polkit who may connect, and nothing from then on; or it asks for each call. */
  askForEachCall(whether: boolean): Promise<void>;
  /** Puts a file of rules where polkitd reads them, and waits until it has. */
  install(rules: string): Promise<void>;
  /** Runs a program as that user to its end, without input. */
  run(user: PolkitUser, argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Starts one that goes on until it is told to end. */
  start(user: PolkitUser, argv: readonly string[], env?: Readonly<Record<string, string>>): Started;
  /** Everything that our rules said no to so far: the right, then what it was wanted of. */
  refusals(): readonly string[];
}

export interface Started {
  /** Everything that it printed so far, in order. */
  output(): string;
  /** SIGTERM; resolves to its exit code. */
  stop(): Promise<number | null>;
}

/** One of our executables, as any user inside can run it. */
export const programInside = (name: string): readonly string[] => [
  '/run/lab/node',
  `/run/lab/programs/bin/${name}.mjs`,
];

const UID = 64_999;
const parts = [
  '/usr/lib/polkit-1/polkitd',
  '/usr/bin/dbus-daemon',
  '/usr/share/polkit-1/actions/org.libvirt.api.policy',
];

/** Why there can be no such laboratory here, or undefined if there can. */
export const polkitRefusal = (): string | undefined => {
  if (!namespacesAllowed()) return 'it needs root and namespaces';
  const absent = parts.filter((path) => !existsSync(path));
  return absent.length === 0 ? undefined : `there is no ${absent.join(', ')}`;
};

const surroundings = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };

/** Tells polkitd's log of each question what our rules, once they are there, say to it. */
const listener = `polkit.addRule(function (action, subject) {
  if (action.id.indexOf('org.libvirt.') !== 0 || typeof blockhost === 'undefined') return undefined;
  var names = ['domain_name', 'pool_name', 'vol_name', 'nwfilter_name', 'nwfilter_binding_filter'].map(function (key) {
    return action.lookup(key);
  });
  var words = [action.id.slice(12)].concat(names.filter(function (name) { return name !== undefined; }));
  polkit.log('rules: ' + words.join(' ') + ': ' + blockhost.decide(action, subject));
  return undefined;
});
`;

/** Starts a D-Bus and a polkitd in the namespaces of `lab`; they end with it. The programs in dist/bin must be built. */
export const startPolkit = async (lab: LibvirtLab): Promise<Polkit> => {
  const dir = join(lab.dir, 'control/polkit');
  const rulesDir = join(dir, 'rules.d');
  await mkdir(rulesDir, { recursive: true });
  await chmod(rulesDir, 0o755); // polkitd has a user of its own
  await writeFile(join(rulesDir, '00-listener.rules'), listener);
  const init = descendants(lab.pid).find(({ command }) => command === 'tini');
  if (init === undefined) throw new Error('the private libvirtd has no namespaces');
  const enter = ['nsenter', '--target', String(init.pid), '--mount', '--pid', '--net'];
  const asBlockhost = ['--reuid', 'blockhost', '--regid', 'blockhost', '--init-groups'];
  const begin = (user: PolkitUser, argv: readonly string[], env: Readonly<Record<string, string>>) => {
    const become = ['setpriv', '--pdeathsig', 'KILL', ...(user === 'root' ? [] : asBlockhost)];
    return execa('setpriv', ['--pdeathsig', 'KILL', ...enter, ...become, ...argv], {
      ...{ env: { ...surroundings, ...env }, extendEnv: false, cwd: '/', stdin: 'ignore' },
      ...{ all: true, reject: false, stripFinalNewline: false },
    });
  };
  const run: Polkit['run'] = async (user, argv, env = {}) => {
    const { exitCode, stdout, stderr } = await begin(user, argv, env);
    return { exitCode: exitCode ?? null, stdout, stderr };
  };
  const start: Polkit['start'] = (user, argv, env = {}) => {
    const child = begin(user, argv, env);
    let output = '';
    child.all.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    return {
      output: () => output,
      stop: async () => {
        // nsenter, which waits outside for the first program inside, hands no signal on.
        const [first] = descendants(child.pid ?? 0);
        if (first !== undefined) signal(first.pid, 'SIGTERM');
        return (await child).exitCode ?? null;
      },
    };
  };

  const script = readFileSync(repositoryPath('test/lab/polkit-namespace.sh'), 'utf8');
  const inside = [
    'sh',
    '-c',
    script,
    'polkit-namespace.sh',
    dir,
    String(UID),
    process.execPath,
    repositoryPath('dist'),
  ];
  const polkitd = start('root', inside);
  const readings = (): number => polkitd.output().split('Finished loading').length;
  await until('polkitd is on its bus', () => polkitd.output().includes('Acquired the name org.freedesktop.PolicyKit1'));

  return {
    uid: UID,
    run,
    start,
    install: async (rules) => {
      const before = readings();
      await copyFile(rules, join(rulesDir, '50-blockhost-provisioner.rules'));
      await until('polkitd has read its rules again', () => readings() > before);
    },
    askForEachCall: async (whether) => {
      // All else stays as libvirt is built for Debian: whoever may connect is polkit's to say, too.
      const lines = [
        `host_uuid = "6b8a1f0e-4e2b-4f0e-9c51-0a7b9a6b1d5e"`,
        ...(whether ? ['access_drivers = [ "polkit" ]'] : []),
      ];
      await writeFile(join(lab.dir, 'etc/libvirt/libvirtd.conf'), `${lines.join('\n')}\n`);
      await lab.down();
      // Not up(): from outside of its pid namespace polkit knows no process, not even one of root's.
      await rm(join(lab.dir, 'control/down'));
      const virsh = ['virsh', '-q', '-c', 'qemu:///system', 'list'];
      await until('libvirtd answers', async () => (await run('root', virsh)).exitCode === 0, { timeoutMs: 30_000 });
    },
    refusals: () => [...polkitd.output().matchAll(/^rules: (.*): no$/gm)].map(([, what = '']) => what),
  };
};

import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { type CpioEntry, device, directory, file, link, packCpio } from './cpio.ts';

// ext4 is built into Debian's cloud kernel; `button` and `evdev` bring the ACPI power button to acpid.
const wantedModules = ['virtio_pci', 'virtio_console', 'virtio_blk', 'virtio_net', 'evdev', 'button'];
// For a guest that is to read its seed; /modules/later names them in order, and no boot waits for them.
const laterModules = ['virtio_scsi', 'sr_mod', 'isofs'];

const emptyFolders = [
  'proc',
  'sys',
  'dev',
  'run',
  'data',
  'tmp',
  'root',
  'etc',
  'lib64',
  'modules',
  'usr',
  'usr/bin',
  'usr/sbin',
];
const links = { bin: 'usr/bin', sbin: 'usr/sbin', lib: 'usr/lib', var: 'run' };

// Debian's own account tools and a guest with one customer; `user` is he whose create named no other. `!` is a locked password.
const accounts = {
  passwd:
    'root:x:0:0:root:/root:/bin/sh\ncustomer:x:1000:1000::/data/home:/bin/sh\nuser:x:1001:1001::/data/home:/bin/sh\n',
  group: 'root:x:0:\ncustomer:x:1000:\nuser:x:1001:\n',
  shadow: 'root:!:19700:0:99999:7:::\ncustomer:!:19700:0:99999:7:::\nuser:!:19700:0:99999:7:::\n',
  gshadow: 'root:!::\ncustomer:!::\nuser:!::\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\n',
  'login.defs': 'UID_MIN 1000\nGID_MIN 1000\n',
};

/**
 * Builds the guest's initramfs from unpacked packages (`unpacked`: kernel modules, busybox, qemu-ga), the account tools and
 * libraries of this host, and the scripts in `scripts`.
 */
export async function buildInitramfs(options: {
  unpacked: string;
  moduleFolder: string;
  scripts: string;
}): Promise<Buffer> {
  const { unpacked, moduleFolder, scripts } = options;
  const script = (name: string): Buffer => readFileSync(join(scripts, name));
  const busybox = readFileSync(join(unpacked, 'bin/busybox'));
  const { stdout: applets } = await execa(join(unpacked, 'bin/busybox'), ['--list']);
  const wanted = modulesInOrder(moduleFolder, wantedModules);
  const modules = modulesInOrder(moduleFolder, [...wantedModules, ...laterModules]);
  const later = modules.slice(wanted.length);
  const programs = [join(unpacked, 'usr/sbin/qemu-ga'), '/usr/sbin/usermod', '/usr/bin/getent'];
  const own = ['usr/sbin/shutdown', 'usr/sbin/reboot', 'usr/sbin/halt', 'usr/sbin/poweroff'];
  const taken = new Set(['busybox', 'init', 'linuxrc', 'getent', ...own.map((path) => basename(path))]);
  return gzipSync(
    packCpio([
      ...emptyFolders.map((path) => directory(path)),
      ...Object.entries(links).map(([path, target]) => link(path, target)),
      device('dev/console', 5, 1),
      file('init', script('init'), 0o755),
      ...own.map((path) => file(path, script('shutdown'), 0o755)),
      file('usr/bin/busybox', busybox, 0o755),
      ...applets.split('\n').flatMap((name) => (taken.has(name) ? [] : [link(`usr/bin/${name}`, 'busybox')])),
      ...programs.map((path) => file(path.slice(path.lastIndexOf('usr/')), readFileSync(path), 0o755)),
      ...(await libraries(programs)),
      file('modules/order', wanted.map(({ name }) => `${name}\n`).join('')),
      file('modules/later', later.map(({ name }) => `${name}\n`).join('')),
      ...modules.map(({ name, content }) => file(`modules/${name}.ko`, content)),
      ...Object.entries(accounts).map(([name, text]) =>
        file(`etc/${name}`, text, name.endsWith('shadow') ? 0o600 : 0o644),
      ),
      directory('etc/acpi'),
      directory('etc/acpi/PWRF'),
      file('etc/acpi/PWRF/00000080', '#!/bin/sh\nexec /usr/sbin/shutdown -P now\n', 0o755),
    ]),
  );
}

// Under the names the loader looks for, folders included.
async function libraries(programs: string[]): Promise<CpioEntry[]> {
  const { stdout } = await execa('ldd', programs);
  if (stdout.includes('not found')) throw new Error(`a library of the guest's programs is missing here:\n${stdout}`);
  const paths = new Set([...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(([, path]) => path ?? []));
  const placed = [...paths].map((path) => ({
    place: path.replace(/^\/(usr\/)?lib\//, 'usr/lib/').replace(/^\//, ''),
    path,
  }));
  const folders = new Set(
    placed.flatMap(({ place }) => parents(place)).filter((folder) => !emptyFolders.includes(folder)),
  );
  return [
    ...[...folders].sort().map((folder) => directory(folder)),
    ...placed.map(({ place, path }) => file(place, readFileSync(realpathSync(path)), 0o755)),
  ];
}

function parents(path: string): string[] {
  const parent = dirname(path);
  return parent === '.' ? [] : [...parents(parent), parent];
}

interface KernelModule {
  readonly name: string;
  readonly content: Buffer;
}

/** Modules and all they depend on, in an order in which `insmod` can load them; more names only add to its end. */
function modulesInOrder(moduleFolder: string, names: readonly string[]): KernelModule[] {
  const paths = new Map(
    readdirSync(join(moduleFolder, 'kernel'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ko'))
      .map((path) => [basename(path, '.ko').replaceAll('-', '_'), join(moduleFolder, 'kernel', path)]),
  );
  const ordered = new Map<string, KernelModule>();
  const add = (name: string): void => {
    if (ordered.has(name)) return;
    const path = paths.get(name);
    if (path === undefined) throw new Error(`the kernel package has no module ${name}`);
    const content = readFileSync(path);
    // .modinfo holds `depends=a,b` between zero bytes.
    const depends = /\0depends=([^\0]*)\0/.exec(content.toString('latin1'))?.[1] ?? '';
    for (const other of depends.split(',')) if (other !== '') add(other.replaceAll('-', '_'));
    ordered.set(name, { name, content });
  };
  for (const name of names) add(name);
  return [...ordered.values()];
}

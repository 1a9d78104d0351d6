import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { giveTo } from './access.ts';
import type { DebianTemplate } from './debian-template.ts';
import type { LibvirtLab } from './libvirt.ts';
import { until } from './processes.ts';

export interface DebianGuestOptions {
  readonly name: string;
  /** Everything of it is kept here. */
  readonly dir: string;
  readonly userData: string;
  readonly networkConfig: string;
  readonly mac: string;
}

/** A machine with a whole Debian in it, seen through one-shot virsh and its serial console alone. */
export interface DebianGuest {
  readonly name: string;
  start(): Promise<void>;
  /** What its serial console showed so far. */
  console(): Promise<string>;
  /** Resolves to the milliseconds until the agent answered. */
  waitAgent(timeoutMs: number): Promise<number>;
  /** The output of a program that has to end well. */
  output(...argv: readonly string[]): Promise<string>;
}

/** Defines a machine on an overlay of the template, with a NoCloud seed; it is not started. */
export async function defineDebianGuest(
  lab: LibvirtLab,
  template: DebianTemplate,
  options: DebianGuestOptions,
): Promise<DebianGuest> {
  const { name, dir } = options;
  await mkdir(dir, { recursive: true });
  const base = await readable(lab, dir, template);
  const disk = join(dir, `${name}.qcow2`);
  const serialLog = join(dir, `${name}.serial.log`);
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base.image, disk, '8G']);
  const seed = await writeSeed(options);
  await writeFile(serialLog, '');
  await giveTo(lab.user, disk, seed, serialLog);
  const file = join(dir, `${name}.xml`);
  await writeFile(file, domainXml({ ...options, ...base, commandLine: template.commandLine, disk, seed, serialLog }));
  await lab.virsh('define', '--file', file);
  const agent = async (execute: string, args: object = {}): Promise<unknown> => {
    const request = JSON.stringify({ execute, arguments: args });
    return JSON.parse(await lab.virsh('qemu-agent-command', '--domain', name, '--timeout', '10', request)).return;
  };
  return {
    name,
    start: async () => void (await lab.virsh('start', '--domain', name)),
    console: () => readFile(serialLog, 'utf8'),
    waitAgent: (timeoutMs) =>
      until(`the agent of ${name} answers`, () => agent('guest-ping').then(Boolean, () => false), {
        timeoutMs,
        everyMs: 250,
      }),
    output: async (path, ...arg) => {
      const { pid } = (await agent('guest-exec', { path, arg, 'capture-output': true })) as { pid: number };
      let status: { exited: boolean; exitcode?: number; 'out-data'?: string; 'err-data'?: string } = { exited: false };
      const ended = async (): Promise<boolean> => {
        status = (await agent('guest-exec-status', { pid })) as typeof status;
        return status.exited;
      };
      await until(`${path} in ${name} ends`, ended, { timeoutMs: 120_000, everyMs: 200 });
      const text = (base64 = ''): string => Buffer.from(base64, 'base64').toString();
      if (status.exitcode === 0) return text(status['out-data']).trimEnd();
      throw new Error(`${path} ${arg.join(' ')}: exit code ${status.exitcode}: ${text(status['err-data'])}`);
    },
  };
}

type Files = Pick<DebianTemplate, 'image' | 'kernel' | 'initrd'>;

/** The cache lies below a home that qemu's user may not enter. */
async function readable(lab: LibvirtLab, dir: string, { image, kernel, initrd }: DebianTemplate): Promise<Files> {
  if (lab.user === undefined) return { image, kernel, initrd };
  const copied = async (path: string): Promise<string> => {
    const target = join(dir, basename(path));
    await execa('cp', ['--reflink=auto', path, target]);
    await giveTo(lab.user, target);
    return target;
  };
  return { image: await copied(image), kernel: await copied(kernel), initrd: await copied(initrd) };
}

async function writeSeed({ name, dir, userData, networkConfig }: DebianGuestOptions): Promise<string> {
  const seed = join(dir, `${name}-seed`);
  await mkdir(seed);
  await writeFile(join(seed, 'user-data'), userData);
  await writeFile(join(seed, 'meta-data'), `instance-id: ${name}-1\nlocal-hostname: ${name}\n`);
  await writeFile(join(seed, 'network-config'), networkConfig);
  const iso = join(dirname(seed), `${name}.iso`);
  await execa('genisoimage', ['-quiet', '-o', iso, '-V', 'cidata', '-J', '-r', seed]);
  return iso;
}

type XmlOptions = DebianGuestOptions &
  Files & { readonly commandLine: string; readonly disk: string; readonly seed: string; readonly serialLog: string };

// Debian's cloud kernel knows no AHCI, hence the SCSI drive.
function domainXml({ name, mac, kernel, initrd, commandLine, disk, seed, serialLog }: XmlOptions): string {
  return `<domain type='qemu'>
  <name>${name}</name>
  <memory unit='GiB'>1</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>${kernel}</kernel><initrd>${initrd}</initrd><cmdline>${commandLine}</cmdline></os>
  <features><acpi/></features>
  <cpu mode='maximum'/>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='unsafe'/><source file='${disk}'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='${seed}'/><target dev='sda' bus='scsi'/><readonly/></disk>
    <controller type='scsi' model='virtio-scsi'/>
    <interface type='user'><mac address='${mac}'/><model type='virtio'/><rom enabled='no'/></interface>
    <serial type='file'><source path='${serialLog}'/><target port='0'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <memballoon model='none'/>
  </devices>
</domain>
`;
}

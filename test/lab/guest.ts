import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { giveTo, readableImage } from './access.ts';
import { buildGuestImage } from './guest-image.ts';
import { type GuestKind, guestXml } from './guest-xml.ts';
import type { LibvirtLab } from './libvirt.ts';
import { until } from './processes.ts';

export interface GuestOptions {
  readonly name: string;
  readonly uuid?: string;
  readonly kind?: GuestKind;
  /** The disk is `<storageDir>/<name>.qcow2`. */
  readonly storageDir: string;
  /** Holds `<name>/user-data`, `<name>/meta-data` and `<name>/<name>-cloud-init.iso`. */
  readonly cloudInitDir: string;
  /** `xml` is the whole element, its namespace declaration included. */
  readonly metadata?: { readonly namespaceUri: string; readonly prefix: string; readonly xml: string };
  readonly mac?: string;
  /** See `GuestXmlOptions`. */
  readonly bridge?: string;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real machine, seen and handled through one-shot virsh alone. */
export interface Guest {
  readonly name: string;
  readonly uuid: string;
  readonly mac: string;
  readonly disk: string;
  /** The backing file of its disk, shared with all guests. */
  readonly base: string;
  readonly cloudInitDir: string;
  readonly cloudInitIso: string;
  readonly serialLog: string;
  start(): Promise<void>;
  /** Resolves to the milliseconds until the agent answered. */
  waitAgent(timeoutMs?: number): Promise<number>;
  /** Runs a program in the guest through the agent's guest-exec. */
  exec(argv: readonly string[], options?: { input?: string; timeoutMs?: number }): Promise<ExecResult>;
  gecos(user?: string): Promise<string>;
  setGecos(text: string, user?: string): Promise<void>;
  /** Changes with every boot of the guest's kernel; stays over save and restore. */
  bootId(): Promise<string>;
  /** What an owner does who types `poweroff`. */
  poweroffFromInside(): Promise<void>;
  /** libvirt's word (`running`, `shut off`, `paused`, …), or `absent`. */
  state(): Promise<string>;
  waitState(state: string, timeoutMs?: number): Promise<number>;
  linkState(): Promise<string>;
}

/** Makes disk and cloud-init files and defines the domain; it is not started. */
export async function defineGuest(lab: LibvirtLab, options: GuestOptions): Promise<Guest> {
  const { name, uuid = randomUUID(), kind = 'normal', storageDir, metadata } = options;
  const mac = options.mac ?? `52:54:00:${uuid.slice(0, 6).match(/../g)?.join(':')}`;
  const image = await readableImage(await buildGuestImage(), lab.user, join(lab.dir, 'image'));
  const disk = join(storageDir, `${name}.qcow2`);
  const serialLog = join(lab.dir, 'var/log/libvirt', `${name}.serial.log`);
  await mkdir(storageDir, { recursive: true });
  await mkdir(join(lab.dir, 'var/log/libvirt'), { recursive: true });
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', image.base, disk]);
  const cloudInitDir = join(options.cloudInitDir, name);
  const cloudInitIso = await writeCloudInit(cloudInitDir, name, uuid);
  await giveTo(lab.user, disk, cloudInitIso, dirname(serialLog));
  const xml = guestXml({
    name,
    uuid,
    kind,
    mac,
    bridge: options.bridge,
    disk,
    cloudInitIso,
    serialLog,
    image,
    metadataXml: metadata?.xml ?? '',
  });
  await defineDomain(lab, xml);
  return {
    name,
    uuid,
    mac,
    disk,
    base: image.base,
    cloudInitDir,
    cloudInitIso,
    serialLog,
    ...observe(lab, name, mac),
    ...inside(lab, name),
  };
}

function observe(
  lab: LibvirtLab,
  name: string,
  mac: string,
): Pick<Guest, 'start' | 'state' | 'waitState' | 'linkState'> {
  const state = async (): Promise<string> => {
    const { exitCode, stdout, stderr } = await lab.tryVirsh('domstate', '--domain', name);
    if (exitCode === 0) return stdout.trim();
    if (/Domain not found|failed to get domain/.test(stderr)) return 'absent';
    throw new Error(stderr.trim());
  };
  return {
    start: async () => void (await lab.virsh('start', '--domain', name)),
    state,
    waitState: (wanted, timeoutMs = 60_000) =>
      until(`${name} is ${wanted}`, async () => (await state()) === wanted, { timeoutMs, everyMs: 100 }),
    linkState: async () =>
      (await lab.virsh('domif-getlink', '--domain', name, '--interface', mac)).trim().split(' ').at(-1) ?? '',
  };
}

type Inside = Pick<Guest, 'waitAgent' | 'exec' | 'gecos' | 'setGecos' | 'bootId' | 'poweroffFromInside'>;

/** What can be done inside a guest of this image, whoever defined it. */
export function inside(lab: LibvirtLab, name: string): Inside {
  const agent = async (execute: string, args?: object): Promise<unknown> => {
    const request = JSON.stringify({ execute, ...(args === undefined ? {} : { arguments: args }) });
    const reply = await lab.virsh('qemu-agent-command', '--domain', name, '--timeout', '5', request);
    return JSON.parse(reply).return;
  };
  const exec = async (
    argv: readonly string[],
    { input, timeoutMs = 60_000 }: { input?: string; timeoutMs?: number } = {},
  ) => {
    const [path, ...arg] = argv;
    const encoded = input === undefined ? {} : { 'input-data': Buffer.from(input).toString('base64') };
    const { pid } = (await agent('guest-exec', { path, arg, 'capture-output': true, ...encoded })) as { pid: number };
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      const status = (await agent('guest-exec-status', { pid })) as ExecStatus;
      if (status.exited)
        return { exitCode: status.exitcode ?? -1, stdout: text(status['out-data']), stderr: text(status['err-data']) };
      if (Date.now() > deadlineMs) throw new Error(`${argv.join(' ')} in ${name} did not end within ${timeoutMs} ms`);
      await sleep(50);
    }
  };
  const output = async (...argv: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await exec(argv);
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} in ${name}: exit code ${exitCode}: ${stderr.trim()}`);
    return stdout.trimEnd();
  };
  return {
    exec,
    waitAgent: (timeoutMs = 120_000) =>
      until(`the agent of ${name} answers`, () => agent('guest-ping').then(Boolean, () => false), {
        timeoutMs,
        everyMs: 100,
      }),
    gecos: async (user = 'customer') => (await output('getent', 'passwd', user)).split(':')[4] ?? '',
    setGecos: async (comment, user = 'customer') => void (await output('usermod', '-c', comment, user)),
    bootId: () => output('cat', '/proc/sys/kernel/random/boot_id'),
    // Asked for and not waited for: the guest may be off before anybody could ask how it went.
    poweroffFromInside: async () => void (await agent('guest-exec', { path: '/sbin/poweroff' })),
  };
}

interface ExecStatus {
  readonly exited: boolean;
  readonly exitcode?: number;
  readonly 'out-data'?: string;
  readonly 'err-data'?: string;
}

const text = (base64 = ''): string => Buffer.from(base64, 'base64').toString();

async function writeCloudInit(dir: string, name: string, uuid: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const userData = join(dir, 'user-data');
  const metaData = join(dir, 'meta-data');
  const iso = join(dir, `${name}-cloud-init.iso`);
  await writeFile(userData, '#cloud-config\nusers: [{ name: customer }]\n', { mode: 0o600 });
  await writeFile(metaData, `instance-id: ${uuid}\nlocal-hostname: ${name}\n`);
  await execa('genisoimage', ['-quiet', '-o', iso, '-V', 'cidata', '-J', '-r', userData, metaData]);
  return iso;
}

async function defineDomain(lab: LibvirtLab, xml: string): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'blockhost-define-'));
  try {
    const file = join(dir, 'domain.xml');
    await writeFile(file, xml);
    await lab.virsh('define', '--file', file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

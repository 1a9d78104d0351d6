import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../ports/clock.ts';
import { inPrivateFile } from '../virsh/private-file.ts';
import type { VirshShells } from '../virsh/shells.ts';
import { hypervisorError } from '../virsh/virsh-error.ts';
import { childrenNamed, escapeXml, parseXml } from '../virsh/xml.ts';
import { probeRom } from './probe-rom.ts';

/** libvirt's two types of guests here. */
export type GuestType = 'kvm' | 'qemu';

export interface ExecutionProbe {
  readonly shells: VirshShells;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** Where the firmware is put for qemu to read; must exist, and qemu's user must be able to go through to it. */
  readonly directory: string;
}

/** `unsupported`: libvirt offers no such type. `mute`: it started, and executed nothing within the time that it had. */
export type Execution = { readonly outcome: 'executed' | 'unsupported' | 'mute' };

const askTimeoutMs = 20_000;
const executionTimeoutMs = 5_000;

/**
 * Finds out whether guests of this type execute, by running one that tells (rules, Laboratory: /dev/kvm may be there and
 * dead). Bounded; leaves nothing. Throws `HypervisorError` (retryable) where libvirt did not answer or could not start
 * it, which says nothing about the type.
 */
export const probeExecution = async (probe: ExecutionProbe, type: GuestType): Promise<Execution> => {
  const { shells } = probe;
  if (!(await isOffered(shells, type))) return { outcome: 'unsupported' };
  const name = `blockhost-probe-${randomUUID().slice(0, 8)}`;
  return withRom(probe.directory, (rom) =>
    inPrivateFile(domainXml(name, type, rom), async (path) => {
      try {
        // It ends with this shell, whatever becomes of us.
        const created = await shells.mutate(['create', path, '--autodestroy'], { timeoutMs: askTimeoutMs });
        if (!created.ok) throw hypervisorError(`start a probe of type ${type}`, created);
        return { outcome: (await panics(probe, name)) ? 'executed' : 'mute' };
      } finally {
        await shells.mutate(['destroy', name], { timeoutMs: askTimeoutMs });
      }
    }),
  );
};

/**
 * Where libvirt asks polkit, `domcapabilities` takes the right `connect.write`. Whoever has that may also take on the identity
 * of anyone, so nobody should; then `capabilities` is asked, which tells the same of all of qemu's programs and costs more.
 */
const isOffered = async (shells: VirshShells, type: GuestType): Promise<boolean> => {
  const doing = `tell whether it offers guests of type ${type}`;
  const offered = await shells.read(['domcapabilities', '--virttype', type], { timeoutMs: askTimeoutMs });
  if (/the accel '.*' is not supported|KVM is not available|unknown virttype/.test(offered.stderr)) return false;
  if (offered.ok) return true;
  const refused = hypervisorError(doing, offered);
  if (refused.code !== 'libvirt-denied') throw refused;
  const all = await shells.read(['capabilities'], { timeoutMs: askTimeoutMs });
  if (!all.ok) throw hypervisorError(doing, all);
  return typesOf(all.stdout).includes(type);
};

/** The types of guests with our processor, as `capabilities` tells them. */
const typesOf = (capabilities: string): readonly (string | undefined)[] =>
  childrenNamed(parseXml(capabilities), 'guest')
    .flatMap((guest) => childrenNamed(guest, 'arch'))
    .filter((arch) => arch.attributes.get('name') === 'x86_64')
    .flatMap((arch) => childrenNamed(arch, 'domain'))
    .map((domain) => domain.attributes.get('type'));

/** Waits for the one thing that only executed instructions can bring about. */
const panics = async ({ shells, clock }: ExecutionProbe, name: string): Promise<boolean> => {
  const untilMs = clock.monotonicMs() + executionTimeoutMs;
  for (;;) {
    const { ok, stdout } = await shells.read(['domstate', name, '--reason'], { timeoutMs: askTimeoutMs });
    if (ok && stdout.includes('panicked')) return true;
    if (clock.monotonicMs() > untilMs) return false;
    await clock.sleep(50);
  }
};

const withRom = async <T>(directory: string, body: (path: string) => Promise<T>): Promise<T> => {
  const own = await mkdtemp(join(directory, '.probe-'));
  try {
    await chmod(own, 0o711);
    const path = join(own, 'probe.rom');
    await writeFile(path, probeRom(), { flag: 'wx' });
    await chmod(path, 0o444);
    return await body(path);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
};

/** `preserve`: a guest that panicked stays to be seen, and only a panic makes it so. */
const domainXml = (name: string, type: GuestType, rom: string): string => `<domain type='${type}'>
  <name>${name}</name>
  <memory unit='MiB'>16</memory>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <loader readonly='yes' type='rom'>${escapeXml(rom)}</loader>
  </os>
  <on_crash>preserve</on_crash>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <panic model='isa'/>
  </devices>
</domain>
`;

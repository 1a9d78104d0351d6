import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { LogLine } from '../demo/daemon-process.ts';
import { changeLedger, type DemoRecord, readLedger } from '../demo/ledger.ts';
import { defineGuest, type Guest } from '../lab/guest.ts';
import type { GuestKind } from '../lab/guest-xml.ts';
import { isAlive, until } from '../lab/processes.ts';
import type { Bench, Site } from './daemon-harness.ts';
import type { Sale } from './daemon-harness-market.ts';

/** A sold machine that runs: deaf, so that only escalation ends it. */
export interface Machine extends Sale {
  readonly name: string;
  readonly guest: Guest;
  readonly expiresAtMs: number;
  /** Host pid of its qemu when it was started: alive means that nobody stopped it, libvirtd's word or not. */
  readonly qemu: number;
  record(): Promise<DemoRecord | undefined>;
  /** What harm was done to it, as seen past the daemon; [] is none. Definition and record are compared with its first days. */
  harm(options?: { readonly blind?: boolean; readonly records?: boolean }): Promise<readonly string[]>;
  /** Ends and undefines it, so that no later daemon finds it. */
  remove(): Promise<void>;
}

export interface MachineOptions {
  readonly name: string;
  readonly chainId: number;
  readonly contract: string;
  /** What it is bound to, and what its record says of its end. */
  readonly sale: Sale;
  readonly customer: string;
  /** Deaf where it is left out. */
  readonly kind?: GuestKind;
  /** As Python's provisioner made it: nothing in its domain says whose it is. */
  readonly withoutMetadata?: boolean;
  /** On top of its record. */
  readonly record?: Readonly<Record<string, unknown>>;
}

const NAMESPACE = 'https://blockhost.io/provisioner/machine/1';

/** `2026-11-21T03:06:51+00:00`, as the host's Python library writes it. */
const isoOf = (unixMs: number): string =>
  new Date(Math.floor(unixMs / 1000) * 1000).toISOString().replace('.000Z', '+00:00');

/** Makes, records and starts a machine; the order in which a host's programs do it. */
export const bootMachine = async (bench: Bench, site: Site, options: MachineOptions): Promise<Machine> => {
  const { name, chainId, contract, sale, customer } = options;
  const { libvirt } = bench;
  const uuid = randomUUID();
  const expiresAtMs = Number(sale.expiresAtUnix) * 1000;
  const binding = `chainId="${chainId}" contract="${contract.toLowerCase()}" subscriptionId="${sale.id}"`;
  const xml = `<blockhost:machine xmlns:blockhost="${NAMESPACE}" schema="1" uuid="${uuid}" ${binding}/>`;
  const folders = { storageDir: site.storageDir, cloudInitDir: site.cloudInitDir };
  const metadata = options.withoutMetadata ? {} : { metadata: { namespaceUri: NAMESPACE, prefix: 'blockhost', xml } };
  const guest = await defineGuest(libvirt, { name, uuid, kind: options.kind ?? 'empty', ...metadata, ...folders });
  await changeLedger(site.vmsJson, (records) => {
    records.vms[name] = {
      ...{ vm_name: name, vmid: records.next_vmid++, ip_address: `192.168.122.${records.next_vmid - 90}` },
      ...{ ipv6_address: '', status: 'active', expires_at: isoOf(expiresAtMs), created_at: isoOf(Date.now()) },
      ...{ purpose: 'test', username: 'customer', owner: customer, wallet_address: customer, owner_wallet: customer },
      ...options.record,
    } as DemoRecord;
    records.allocated_ips.push(records.vms[name].ip_address);
  });
  await guest.start();
  const qemu = await libvirt.qemuPid(name);
  if (qemu === undefined) throw new Error(`${name} has no qemu`);
  const record = async (): Promise<DemoRecord | undefined> => (await readLedger(site.vmsJson)).vms[name];
  const portrait = (): Promise<string> => libvirt.virsh('dumpxml', '--domain', uuid, '--inactive');
  const digest = async (): Promise<string> =>
    createHash('sha256')
      .update(await readFile(guest.disk))
      .digest('hex');
  const first = { portrait: await portrait(), disk: await digest(), record: await record() };
  return {
    ...sale,
    ...{ name, guest, expiresAtMs, qemu, record },
    harm: async ({ blind = false, records = true } = {}) => {
      const faults: string[] = [];
      if (!isAlive(qemu)) faults.push('its qemu ended');
      if ((await digest()) !== first.disk) faults.push('its disk changed');
      if (!blind && (await guest.state()) !== 'running') faults.push(`it is ${await guest.state()}`);
      if (!blind && (await portrait()) !== first.portrait) faults.push('it is defined otherwise');
      if (records && JSON.stringify(await record()) !== JSON.stringify(first.record)) {
        faults.push(`its record was ${JSON.stringify(first.record)} and is ${JSON.stringify(await record())}`);
      }
      return faults;
    },
    remove: async () => {
      await libvirt.tryVirsh('destroy', '--domain', uuid);
      await libvirt.tryVirsh('undefine', '--domain', uuid, '--managed-save', '--nvram');
    },
  };
};

/** Resolves once the machine is off and its record says so: the act that the fault held back. */
export const untilSuspended = async (machine: Machine, timeoutMs = 80_000): Promise<number> => {
  const off = await machine.guest.waitState('shut off', timeoutMs);
  const recorded = async (): Promise<boolean> => (await machine.record())?.status === 'suspended';
  return off + (await until(`the record of ${machine.name} says suspended`, recorded, { timeoutMs: 80_000 }));
};

/** Waits until so many ms after an expiry: long enough for the act to have come, had nothing been wrong. */
export const untilPast = async ({ expiresAtMs }: Pick<Machine, 'expiresAtMs'>, byMs = 6_000): Promise<void> => {
  await until('the expiry has passed', () => Date.now() > expiresAtMs + byMs, { timeoutMs: 150_000 });
};

/** Fields as one text, to search in. */
export const textOf = ({ msg, fields }: LogLine): string => `${msg} ${JSON.stringify(fields)}`;

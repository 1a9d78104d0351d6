import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guest } from '../lab/guest.ts';
import type { LibvirtLab, RecordedEvent } from '../lab/libvirt.ts';
import type { DemoHost } from './host.ts';
import { type DemoRecord, readLedger } from './ledger.ts';

/**
 * Sees for itself: one-shot virsh, libvirt's own events as another process recorded them, stat, the guest's agent and
 * console. It only reads, and shares no code with what it watches.
 */
export interface Observer {
  record(name: string): Promise<DemoRecord | undefined>;
  /** libvirt's word for the domain's state, or `absent`. */
  state(guest: Guest): Promise<string>;
  uuid(name: string): Promise<string>;
  definition(name: string): Promise<string>;
  /** Is there an element of the provisioner's in the domain's metadata? */
  isMarked(name: string): Promise<boolean>;
  lifecycle(name: string, begins: string, sinceMs: number): RecordedEvent[];
  exists(path: string): Promise<boolean>;
  /** Everything below the host's root whose name holds this text. */
  filesNamed(text: string): Promise<string[]>;
  /** Keeps hold of a file, so that one can tell later whether it is the same one, and whether it is deleted at last. */
  grip(path: string): Promise<Grip>;
  /** How often a deaf guest noted on its console that it was asked to stop. */
  timesAsked(guest: Guest): Promise<number>;
  console(guest: Guest): Promise<string>;
}

export interface Grip {
  /** Is this very file at the path now? */
  isAt(path: string): Promise<boolean>;
  /** No name is left on it anywhere. */
  isDeleted(): Promise<boolean>;
  release(): Promise<void>;
}

const grip = async (path: string): Promise<Grip> => {
  const handle: FileHandle = await open(path, 'r');
  const { ino, dev } = await handle.stat();
  return {
    isAt: async (place) => {
      const found = await stat(place).catch(() => undefined);
      return found?.ino === ino && found.dev === dev;
    },
    isDeleted: async () => (await handle.stat()).nlink === 0,
    release: () => handle.close(),
  };
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

export const createObserver = (libvirt: LibvirtLab, host: DemoHost): Observer => {
  const console = (guest: Guest): Promise<string> => readFile(guest.serialLog, 'utf8').catch(() => '');
  return {
    record: async (name) => (await readLedger(host.vmsJson)).vms[name],
    state: (guest) => guest.state(),
    uuid: async (name) => (await libvirt.virsh('domuuid', '--domain', name)).trim(),
    definition: (name) => libvirt.virsh('dumpxml', '--domain', name, '--inactive'),
    isMarked: async (name) =>
      /https:\/\/blockhost\.io\/provisioner\//.test(await libvirt.virsh('dumpxml', '--domain', name, '--inactive')),
    lifecycle: (name, begins, sinceMs) =>
      libvirt
        .events()
        .filter(
          ({ event, domain, detail, atMs }) =>
            event === 'lifecycle' && domain === name && detail.startsWith(begins) && atMs >= sinceMs,
        ),
    exists,
    filesNamed: async (text) => {
      const entries = await readdir(host.root, { recursive: true });
      return entries
        .filter((entry) => (entry.split('/').at(-1) ?? '').includes(text))
        .map((entry) => join(host.root, entry));
    },
    grip,
    console,
    timesAsked: async (guest) => ((await console(guest)).match(/lab: deaf to /g) ?? []).length,
  };
};

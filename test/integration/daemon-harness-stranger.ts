import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineGuest } from '../lab/guest.ts';
import type { LibvirtLab } from '../lab/libvirt.ts';
import { repositoryPath } from '../lab/repository.ts';

/** A domain of somebody else. */
export interface Stranger {
  /** What was done to it since it was started; [] is right. */
  faults(): Promise<readonly string[]>;
}

/** Quotes, blanks, a colon, a shell's words, options, markup and letters from elsewhere. */
const STRANGE_NAME = `--all 'x' "y": $(touch strange-was-here) \`id\` ; & <a> %s ü 名 🦆`;

/** Boots it; it has no operating system, so nothing but libvirt and its clients ever touches it. */
export const bootStranger = async (libvirt: LibvirtLab, directory: string): Promise<Stranger> => {
  const folders = { storageDir: join(directory, 'disks'), cloudInitDir: join(directory, 'cloud-init') };
  // The disk's path is the laboratory's own; the name is what counts.
  const guest = await defineGuest(libvirt, { name: STRANGE_NAME, kind: 'empty', ...folders });
  await libvirt.virsh('start', '--domain', guest.uuid);
  const portrait = (): Promise<string> => libvirt.virsh('dumpxml', '--domain', guest.uuid, '--inactive');
  const before = await portrait();
  const qemu = await libvirt.qemuPid(STRANGE_NAME);
  const after = libvirt.events().length;
  return {
    faults: async () => {
      const faults: string[] = [];
      const state = await libvirt.virsh('domstate', '--domain', guest.uuid);
      if (state.trim() !== 'running') faults.push(`it is ${state.trim()}`);
      if ((await portrait()) !== before) faults.push('it is defined otherwise');
      if ((await libvirt.qemuPid(STRANGE_NAME)) !== qemu) faults.push('it has another qemu');
      const told = libvirt.events().slice(after);
      // Its channel comes and goes with its own start, which libvirt may tell late; nobody else can make that happen.
      const touched = told.filter(({ event }) => event !== 'agent-lifecycle');
      const events = touched.filter(({ domain, raw }) => domain === STRANGE_NAME || raw.includes('strange-was-here'));
      faults.push(...events.map(({ raw }) => `event: ${raw}`));
      for (const place of [
        repositoryPath('strange-was-here'),
        'strange-was-here',
        join(directory, 'strange-was-here'),
      ]) {
        if (existsSync(place)) faults.push(`a shell read its name: ${place} is there`);
      }
      return faults;
    },
  };
};

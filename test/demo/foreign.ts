import { defineGuest, type Guest } from '../lab/guest.ts';
import type { LibvirtLab } from '../lab/libvirt.ts';
import type { Seen } from './claims.ts';

/** Domains of somebody else on the same libvirt: the daemon may see them and must never touch them (D8). */
export interface Foreigners {
  /** Untouched: same definition, same state, and not one event since they were started. */
  verify(): Promise<Seen>;
}

/** One of the names looks like ours, the other one like trouble. */
const NAMES = ['blockhost-901', `someone's "other": machine`];

export const bootForeigners = async (libvirt: LibvirtLab, directory: string): Promise<Foreigners> => {
  const portrait = (guest: Guest): Promise<string> => libvirt.virsh('dumpxml', '--domain', guest.name, '--inactive');
  const guests: { guest: Guest; before: string }[] = [];
  for (const name of NAMES) {
    const folders = { storageDir: `${directory}/disks`, cloudInitDir: `${directory}/cloud-init` };
    const guest = await defineGuest(libvirt, { name, kind: 'empty', ...folders });
    await guest.start();
    guests.push({ guest, before: await portrait(guest) });
  }
  const sinceMs = Date.now();
  return {
    verify: async () => {
      const faults: string[] = [];
      for (const { guest, before } of guests) {
        if ((await guest.state()) !== 'running') faults.push(`${guest.name} does not run`);
        else if ((await portrait(guest)) !== before) faults.push(`${guest.name} is defined otherwise`);
      }
      const events = libvirt.events().filter(({ domain, atMs }) => NAMES.includes(domain) && atMs > sinceMs);
      if (events.length > 0) faults.push(`events of theirs: ${events.map(({ raw }) => raw).join(', ')}`);
      return { ok: faults.length === 0, saw: faults.length === 0 ? 'untouched' : faults.join('; ') };
    },
  };
};

import { metadataOf } from '../domain/metadata-of.ts';
import type { Host } from '../host/open-host.ts';

/**
 * Makes libvirt say something: our own element is written anew on one machine, which comes back as an event. False where
 * no machine of ours is there to touch.
 */
export const heartbeat = async ({ deps, journal }: Host): Promise<boolean> => {
  for (const memory of Object.values(journal.state().machines)) {
    const { phase, run, uuid } = memory;
    if (phase !== 'present' || run === undefined || (await deps.hypervisor.look(uuid)) === 'absent') continue;
    await deps.hypervisor.writeMetadata(uuid, metadataOf(memory));
    return true;
  }
  return false;
};

import { metadataOf } from '../domain/metadata-of.ts';
import type { Hypervisor } from '../ports/hypervisor.ts';
import type { Journal } from '../ports/journal.ts';

export interface HeartbeatDeps {
  readonly hypervisor: Pick<Hypervisor, 'look' | 'writeMetadata'>;
  readonly journal: Pick<Journal, 'state'>;
}

/**
 * Makes libvirt say something: our own element is written anew on one machine, which comes back as an event. False where
 * no machine of ours is there to touch.
 */
export const heartbeat = async ({ hypervisor, journal }: HeartbeatDeps): Promise<boolean> => {
  for (const memory of Object.values(journal.state().machines)) {
    const { phase, run, uuid } = memory;
    if (phase !== 'present' || run === undefined || (await hypervisor.look(uuid)) === 'absent') continue;
    await hypervisor.writeMetadata(uuid, metadataOf(memory));
    return true;
  }
  return false;
};

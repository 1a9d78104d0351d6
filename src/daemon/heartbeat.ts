import type { Host } from '../host/open-host.ts';

/**
 * Makes libvirt say something: our own element is written anew on one machine, which comes back as an event. False where
 * no machine of ours is there to touch.
 */
export const heartbeat = async ({ deps, journal }: Host): Promise<boolean> => {
  for (const { phase, run, machineClass, uuid } of Object.values(journal.state().machines)) {
    if (phase !== 'present' || run === undefined || (await deps.hypervisor.look(uuid)) === 'absent') continue;
    const bound = machineClass.kind === 'bound' ? { subscription: machineClass.subscription } : {};
    await deps.hypervisor.writeMetadata(uuid, { schema: 1, uuid, ...bound });
    return true;
  }
  return false;
};

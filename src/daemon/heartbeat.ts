import type { Host } from '../host/open-host.ts';

/**
 * Makes libvirt say something: our own element is written anew on one machine, which comes back as an event. False where
 * no machine of ours is there to touch.
 */
export const heartbeat = async ({ deps, journal }: Host): Promise<boolean> => {
  const machine = Object.values(journal.state().machines).find(
    ({ phase, run }) => phase === 'present' && run !== undefined,
  );
  if (machine === undefined) return false;
  const { machineClass, uuid } = machine;
  const bound = machineClass.kind === 'bound' ? { subscription: machineClass.subscription } : {};
  if ((await deps.hypervisor.look(uuid)) === 'absent') return false;
  await deps.hypervisor.writeMetadata(uuid, { schema: 1, uuid, ...bound });
  return true;
};

import { rm } from 'node:fs/promises';
import { buyFor } from './people.ts';
import { pause, type SoakStage } from './stage.ts';

/** Paid for long enough that nobody may say he has not heard of it. */
const PAID_S = 900;
const KNOWN_MS = 32_000;

/** Does itself what must never be done: takes a machine apart that is paid for. The observer must say so. */
export const sabotage = async (stage: SoakStage): Promise<void> => {
  const { host, sold, running, signal } = stage;
  stage.tell(await buyFor(stage, PAID_S));
  const [victim] = sold.values();
  if (victim === undefined) return;
  victim.spared = true;
  const itsOwners = (): boolean => running.get(victim.name) === true && !victim.creating;
  while (!itsOwners() && !signal.aborted) await pause(stage, 200);
  await pause(stage, KNOWN_MS);
  stage.tell(`SABOTAGE: ${victim.name}, which is paid for, is destroyed`);
  await host.libvirt.virsh('destroy', '--domain', victim.name);
  await host.libvirt.virsh('undefine', '--domain', victim.name);
  await rm(host.at(`var/lib/blockhost/vms/${victim.name}.qcow2`), { force: true });
};

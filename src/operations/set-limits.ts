import { isOn } from '../domain/domain-state.ts';
import { HypervisorError } from '../domain/errors.ts';
import type { Uuid } from '../domain/identity.ts';
import type { Limits } from '../domain/journal/memory.ts';
import { LIMITS, limitsMissing } from '../domain/limits.ts';
import type { Deps } from './deps.ts';

/** Sets the limits of a running machine and looks whether they are in force: only what was seen is believed. */
export const setLimits = async (
  { hypervisor }: Pick<Deps, 'hypervisor'>,
  uuid: Uuid,
  limits: Limits,
): Promise<void> => {
  await hypervisor.limit(uuid, limits);
  const after = await hypervisor.look(uuid);
  if (after === 'absent' || !isOn(after)) return;
  const missing = limitsMissing(limits, after.limits ?? {});
  if (missing.length === 0) return;
  const words = missing.map((name) => LIMITS[name].says).join(', ');
  throw new HypervisorError(`libvirt accepted limits of ${after.name} and does not hold them: ${words}`, {
    code: 'limits-not-held',
    retryable: true,
  });
};

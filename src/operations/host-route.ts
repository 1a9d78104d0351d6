import { explain } from '../domain/errors.ts';
import type { Deps } from './deps.ts';

type RouteDeps = Pick<Deps, 'hostRoutes' | 'log'>;

/**
 * Sets or removes the host's route to a machine (D27). A route that could not be changed is told and holds nothing up:
 * the daemon sets those of living machines again, and one to nobody leads nowhere.
 */
export const changeRoute = async (
  { hostRoutes, log }: RouteDeps,
  change: 'add' | 'remove',
  { name, ipv6 }: { readonly name: string; readonly ipv6: string },
): Promise<void> => {
  if (ipv6 === '') return;
  try {
    await hostRoutes[change](ipv6);
  } catch (error) {
    log.warn({ vm: name, ipv6, change, why: explain(error), rule: 'D27' }, 'host route not changed');
  }
};

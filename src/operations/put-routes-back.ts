import { explain } from '../domain/errors.ts';
import type { HostRoutes } from '../ports/host-routes.ts';
import type { Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';

export interface RouteDeps {
  readonly journal: Pick<Journal, 'state'>;
  readonly hostRoutes: HostRoutes;
  readonly log: Log;
}

/**
 * Puts the host's routes to all present machines back (D27): the kernel forgets them at a reboot. One after the other, for
 * the agent serves one caller at a time. Resolves to how many could not be set; the first failure is logged, and where the
 * agent does not answer at all, the rest waits for the next sweep.
 */
export const putRoutesBack = async ({ journal, hostRoutes, log }: RouteDeps): Promise<number> => {
  const wanted = Object.values(journal.state().machines).filter(
    ({ phase, details }) => phase === 'present' && details.ipv6Address !== '',
  );
  let failed = 0;
  for (const [at, { name, details }] of wanted.entries()) {
    try {
      await hostRoutes.add(details.ipv6Address);
    } catch (error) {
      failed += 1;
      if (failed > 1) continue;
      log.warn({ vm: name, ipv6: details.ipv6Address, why: explain(error) }, 'a host route could not be put back');
      if (isSilence(error)) return wanted.length - at;
    }
  }
  return failed;
};

const isSilence = (error: unknown): boolean =>
  error instanceof Error && 'retryable' in error && error.retryable === true;

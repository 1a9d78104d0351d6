import { loadConfig } from '../../src/config/load.ts';
import { createPaths } from '../../src/config/paths.ts';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { openHost } from '../../src/host/open-host.ts';
import { act } from '../../src/operations/act.ts';
import { createFleet } from '../../src/operations/fleet.ts';
import { createReconcile } from '../../src/operations/reconcile.ts';
import { createModelLog } from '../models/model-log.ts';
import type { RealHost } from './real-host.ts';

/**
 * What the daemon does to the machines of a real host, at the test's own pace: grace and finality would take hours. The
 * drivers, the files and the guests are the real ones.
 */
export const openOperations = async (host: RealHost) => {
  const paths = createPaths(host.env);
  const log = createModelLog();
  const config = await loadConfig({ paths, env: host.env });
  const opened = await openHost({ config, paths, clock: createSystemClock(), log, gateWaitsFor: () => [] });
  const { deps, journal } = opened;
  const fleet = createFleet(deps);
  const reconcile = createReconcile(deps, fleet);
  host.cleaner.defer('operations', () => opened.close());
  const machine = async (name: string) => {
    const found = Object.values((await journal.refresh()).machines).find((each) => each.name === name);
    if (found === undefined) throw new Error(`no machine ${name}`);
    return found;
  };
  return {
    deps,
    log,
    machine,
    /** Takes a machine that is off apart into quarantine, as after grace. */
    quarantine: async (name: string): Promise<void> => {
      const { uuid } = await machine(name);
      const because = 'the scene says so';
      const basis = { row: 'grace-over', because, policyVersion: 1, observedAtUnixMs: Date.now() };
      await journal.append([
        { kind: 'suspended', uuid, atUnixMs: Date.now() },
        { kind: 'intent', uuid, step: 'destroy', basis },
      ]);
      const failure = await act(deps, uuid, { row: 'grace-over', because, basis }, { do: 'destroy' });
      if (failure !== undefined) throw failure;
    },
    /** One look, and what follows from it. */
    look: async (name: string) => {
      await fleet.survey();
      return reconcile((await machine(name)).uuid, () => undefined);
    },
  };
};

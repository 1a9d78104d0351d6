import { loadConfig } from '../../src/config/load.ts';
import { createPaths } from '../../src/config/paths.ts';
import { known } from '../../src/domain/fact.ts';
import type { MachineMemory } from '../../src/domain/journal/memory.ts';
import type { Observation } from '../../src/domain/observation.ts';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { openHost } from '../../src/host/open-host.ts';
import { act } from '../../src/operations/act.ts';
import { createFleet } from '../../src/operations/fleet.ts';
import { createReconcile } from '../../src/operations/reconcile.ts';
import { createModelLog } from '../models/model-log.ts';
import { exampleDomain, exampleObservation, exampleView, NOW_MS, quiet } from '../support/example-observation.ts';
import type { RealHost } from './real-host.ts';

/** Facts of a chain on which this machine's time is over, for a scene that does not wait for that. */
const longOver = (memory: MachineMemory): Observation => {
  const over = exampleView(quiet({ expiresIn: -7200, lag: 2 }));
  const read = { expiresAtUnix: BigInt(NOW_MS / 1000 - 7200), cancelled: false, blockNumber: 100n, blockHash: '0x64' };
  const witnesses = ['rpc#1', 'rpc#2'].map((endpoint) => ({ ...read, endpoint, readAtUnixMs: NOW_MS }));
  const domain = known({ ...exampleDomain, uuid: memory.uuid, run: 'off', reason: 'shutdown' } as const);
  return exampleObservation({ ...over, witnesses }, { uuid: memory.uuid, name: memory.name, memory, domain });
};

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
      const facts = longOver(await machine(name));
      const warrant = { code: 'test', policy: { ...deps.policy, graceMs: 0 }, facts };
      const authority = { kind: 'warrant', warrant, lookAgain: async () => facts } as const;
      const failure = await act(deps, uuid, { row: 'grace-over', because, basis }, { do: 'destroy' }, authority);
      if (failure !== undefined) throw failure;
    },
    /** One look, and what follows from it. */
    look: async (name: string) => {
      await fleet.survey();
      return reconcile((await machine(name)).uuid, () => undefined);
    },
  };
};

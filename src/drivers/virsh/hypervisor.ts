import type { Uuid } from '../../domain/identity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hypervisor } from '../../ports/hypervisor.ts';
import type { Log } from '../../ports/log.ts';
import { createDefinitions } from './definitions.ts';
import { createDiskFiles } from './disk-files.ts';
import type { Deadlines, HypervisorParts, RunCommand } from './hypervisor-parts.ts';
import { createDomainObserver } from './observe-domains.ts';
import { createPower } from './power.ts';
import type { VirshShells } from './shells.ts';
import { createStateAges } from './state-ages.ts';

export interface HypervisorDeps {
  readonly clock: Pick<Clock, 'nowUnixMs'>;
  readonly log: Log;
  readonly shells: VirshShells;
  readonly deadlines?: Partial<Deadlines>;
}

const defaults: Deadlines = { readTimeoutMs: 15_000, changeTimeoutMs: 60_000, moveTimeoutMs: 900_000 };

/** The port, and one hint from the event stream. */
export interface VirshHypervisor extends Hypervisor {
  /** A lifecycle event was heard: the state that is seen next counts as new, even if it looks the same (L7). */
  forget(uuid: Uuid): void;
}

/** libvirt through kept virsh shells. Domains are addressed by UUID alone. */
export const createHypervisor = (deps: HypervisorDeps): VirshHypervisor => {
  const deadlines = { ...defaults, ...deps.deadlines };
  const ages = createStateAges(deps.clock);
  const observer = createDomainObserver({ shells: deps.shells, ages, readTimeoutMs: deadlines.readTimeoutMs });
  const run: RunCommand = async (argv, { timeoutMs, via = deps.shells.mutate }) => {
    const result = await via(argv, { timeoutMs });
    deps.log.debug({ command: argv[0], uuid: argv[1], ok: result.ok, durationMs: result.durationMs }, 'virsh ran');
    return result;
  };
  const parts: HypervisorParts = { ...deps, deadlines, run, look: observer.look };
  const diskFiles = createDiskFiles({ ...parts, readTimeoutMs: deadlines.readTimeoutMs });
  return { ...observer, ...createPower(parts), ...createDefinitions(parts), diskFiles, forget: ages.forget };
};

import type { MachineMetadata } from '../../domain/domain-state.ts';
import type { MachineSample } from '../../domain/host-sample.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Sampler } from '../../ports/sampler.ts';
import { expectOk } from './hypervisor-parts.ts';
import { type Counters, parseCounters } from './parse-counters.ts';
import { parseDomainXml } from './parse-domain-xml.ts';
import type { VirshShells } from './shells.ts';

export interface SamplerDeps {
  readonly shells: Pick<VirshShells, 'read'>;
  readonly clock: Pick<Clock, 'nowUnixMs' | 'monotonicMs'>;
  /** For how many seconds each machine's qemu has run, by UUID. */
  readonly uptimes: () => ReadonlyMap<Uuid, number>;
  /** Does the journal know it? Without a journal its metadata counts. */
  readonly knows: (uuid: Uuid, metadata: MachineMetadata | undefined) => boolean;
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * Counts through a kept virsh shell: one `domstats` for the whole host, and each definition for UUID, metadata and the
 * agent's channel. INVARIANT: no command that waits for a guest.
 */
export const createSampler = ({
  shells,
  clock,
  uptimes,
  knows,
  timeoutMs = DEFAULT_TIMEOUT_MS,
}: SamplerDeps): Sampler => {
  const describe = async (
    name: string,
    counters: Counters,
    up: ReadonlyMap<Uuid, number>,
  ): Promise<MachineSample | undefined> => {
    // A domain that went away meanwhile, or whose name no command line can carry, is nobody's to ask about.
    const xml = await shells.read(['dumpxml', name], { timeoutMs }).catch(() => undefined);
    const facts = xml?.ok ? parseDomainXml(xml.stdout) : undefined;
    if (facts?.name !== name) return undefined;
    const { uuid, metadata, agentConnected } = facts;
    return { ...counters, uuid, ours: knows(uuid, metadata), agentConnected, uptimeSeconds: up.get(uuid) ?? -1 };
  };

  return {
    sample: async () => {
      const atMs = clock.monotonicMs();
      const stats = await shells.read(['domstats', '--raw', '--nowait'], { timeoutMs });
      const counted = parseCounters(expectOk('count what its domains do', stats).stdout, clock.nowUnixMs());
      const up = uptimes();
      const machines: Record<string, MachineSample> = {};
      for (const [name, counters] of counted) {
        const machine = await describe(name, counters, up);
        // A name is data: `__proto__` is a name like any other.
        if (machine) Object.defineProperty(machines, name, { value: machine, enumerable: true });
      }
      return { atMs, machines };
    },
  };
};

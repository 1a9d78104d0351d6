import { promises } from 'node:fs';
import { join } from 'node:path';
import { createPaths } from '../../src/config/paths.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy.ts';
import { createLocks } from '../../src/drivers/lock/locks.ts';
import { createQuarantine } from '../../src/drivers/quarantine/quarantine.ts';
import { createRecords } from '../../src/drivers/records/records.ts';
import { openOurJournal } from '../../src/host/open-journal.ts';
import type { CreateDeps } from '../../src/operations/create/create-deps.ts';
import type { Explicit } from '../../src/operations/explicit/context.ts';
import { createFleet } from '../../src/operations/fleet.ts';
import { putRoutesBack } from '../../src/operations/put-routes-back.ts';
import { createReconcile } from '../../src/operations/reconcile.ts';
import type { HostRoutes } from '../../src/ports/host-routes.ts';
import { createFileChain } from '../models/file-chain.ts';
import { createFileClock } from '../models/file-clock.ts';
import { createFileGuests } from '../models/file-guest.ts';
import { createFileBuilder, createFileHypervisor } from '../models/file-host.ts';
import { createModelLog } from '../models/model-log.ts';
import { crashParts } from './crash-parts.ts';
import { createDying, type End, traceQuarantine } from './dying.ts';

/** When this world begins. */
export const START_UNIX_MS = 1_800_000_000_000;
/** A machine is looked at this often, if nothing asks for an earlier look. */
const SWEEP_MS = 120_000;

/** Short, so that a life takes few looks; whoever stopped is believed at once, since a file shuts down at once. */
export const POLICY: Policy = {
  ...DEFAULT_POLICY,
  expiryMarginMs: 5_000,
  graceMs: 600_000,
  quarantineMs: 600_000,
  shutdownPatienceMs: 30_000,
  stopDebounceMs: 0,
};

export interface CrashHostOptions {
  readonly policy?: Partial<Policy>;
  readonly end?: End;
}

/**
 * Everything that an operation needs below one directory: the journal, locks, records and quarantine that ship; domains,
 * guests, disks, clock and chain as files. Whoever opens it is a process of that host.
 */
export const openCrashHost = async (dir: string, { policy, end = { at: 0, when: '' } }: CrashHostOptions = {}) => {
  const paths = createPaths({ BLOCKHOST_ROOT: dir });
  const clock = createFileClock(dir, START_UNIX_MS);
  const log = createModelLog();
  const journal = await openOurJournal({ paths, clock, log });
  const dying = createDying(join(dir, 'trace'), end);
  traceQuarantine(paths.quarantineDir, dying);
  const { traced } = dying;
  const vms = join(dir, 'vms');
  const routes = join(dir, 'routes');
  await promises.mkdir(routes, { recursive: true });
  const domains = join(dir, 'domains');
  const guests = createFileGuests(domains);
  const chain = createFileChain(dir, clock);
  const hostRoutes: HostRoutes = {
    add: (ipv6) => promises.writeFile(join(routes, ipv6), ''),
    remove: (ipv6) => promises.rm(join(routes, ipv6), { force: true }),
  };
  const deps: CreateDeps = {
    hypervisor: traced('hypervisor', createFileHypervisor(domains, guests)),
    agent: traced('agent', guests.agent),
    builder: traced('builder', createFileBuilder(vms)),
    records: traced('records', createRecords({ path: paths.vmsJson, clock, log })),
    journal: traced('journal', journal),
    hostRoutes: traced('hostRoutes', hostRoutes),
    minter: traced('minter', chain.minter),
    chain: chain.ledger,
    quarantine: createQuarantine({ directory: paths.quarantineDir }),
    locks: createLocks({ dir: paths.locksDir }),
    clock,
    log,
    policy: { ...POLICY, ...policy },
    bootId: 'boot-a',
    code: 'test',
    ownDirectories: [vms],
    cloudInitDirectory: (name) => join(vms, 'cloud-init', name),
    gateWaitsFor: () => [],
    seeds: {
      missing: async () => [],
      render: async ({ name, ipv4, ipv6 }) => ({
        userData: name,
        metaData: name,
        networkConfig: `inet ${ipv4}/24 inet6 ${ipv6}/120`,
      }),
      network: ({ ipv4, ipv6 }) => `inet ${ipv4}/24 inet6 ${ipv6}/120`,
    },
    ...crashParts(),
  };

  /** Looks at all machines as the daemon does, each time that one of them asks for it, until that moment. */
  const daemonUntil = async (untilUnixMs: number): Promise<void> => {
    const fleet = createFleet(deps);
    const reconcile = createReconcile(deps, fleet);
    for (;;) {
      let next = clock.nowUnixMs() + SWEEP_MS;
      for (const uuid of await fleet.survey()) {
        const { plan } = (await reconcile(uuid, () => undefined)) ?? {};
        next = Math.min(next, plan?.lookAgainAtUnixMs ?? next);
      }
      if (clock.nowUnixMs() >= untilUnixMs) break;
      clock.advance(Math.min(Math.max(next - clock.nowUnixMs(), 1000), untilUnixMs - clock.nowUnixMs()));
    }
    // Every route, at every survey: no effect of its own, or a third of all points would be of this.
    await putRoutesBack({ ...deps, hostRoutes });
  };

  const explicit = (): Explicit => ({
    deps,
    fleet: createFleet(deps),
    by: 'tester',
    say: () => undefined,
    warn: () => undefined,
    stop: deps.stop,
  });
  return { dir, paths, deps, clock, chain, guests, dying, daemonUntil, explicit, close: () => journal.close() };
};
export type CrashHost = Awaited<ReturnType<typeof openCrashHost>>;

import type { VmRecord } from '../../../src/domain/record.ts';
import { graceIsKept } from '../../../src/simulator/invariants/grace-is-kept.ts';
import { harmNeedsExpiry } from '../../../src/simulator/invariants/harm-needs-expiry.ts';
import { nothingLeaks } from '../../../src/simulator/invariants/nothing-leaks.ts';
import { nothingShared } from '../../../src/simulator/invariants/nothing-shared.ts';
import { oneForOne } from '../../../src/simulator/invariants/one-for-one.ts';
import { paidIsKept } from '../../../src/simulator/invariants/paid-is-kept.ts';
import { paidRuns } from '../../../src/simulator/invariants/paid-runs.ts';
import { quietIsQuiet } from '../../../src/simulator/invariants/quiet-is-quiet.ts';
import { recordConverges } from '../../../src/simulator/invariants/record-converges.ts';
import type { Invariant, SeenMachine, Sight, Violation } from '../../../src/simulator/invariants/sight.ts';
import { unknownHarmsNobody } from '../../../src/simulator/invariants/unknown-harms-nobody.ts';
import { unpaidEnds } from '../../../src/simulator/invariants/unpaid-ends.ts';
import { type DemoRecord, readLedger } from '../../demo/ledger.ts';
import type { RealHost } from '../../integration/real-host.ts';
import { createDeeds } from './deeds.ts';
import { createDomainEyes, type PlainDomain } from './domains.ts';
import { lookAtFiles, type SeenFiles } from './files.ts';
import { FASTER, SEEN_HOST, SEEN_POLICY } from './settings.ts';
import type { Sold } from './sold.ts';
import type { Weather } from './weather.ts';

/** What is asked of real parts; the others need what leaves no trace there. */
const ASKED: readonly Invariant[] = [
  ...[paidRuns, paidIsKept, harmNeedsExpiry, unknownHarmsNobody, unpaidEnds, oneForOne],
  ...[nothingShared, nothingLeaks, recordConverges, quietIsQuiet],
];

export interface SoakViolation extends Violation {
  readonly atMs: number;
}

/** Sees chain, domains, files and records for itself, and asks the rules. */
export interface Observer {
  /** One look; undefined where libvirt did not answer. `atRest`: nobody has done anything for long. */
  look(atRest?: boolean): Promise<Sight | undefined>;
  readonly violations: readonly SoakViolation[];
  report(violation: Violation): void;
  /** How many looks there were, and how many of them met no libvirt. */
  count(): { readonly looks: number; readonly blind: number };
  uuidOf(name: string): string | undefined;
}

export interface ObserverOptions {
  readonly host: RealHost;
  readonly sold: ReadonlyMap<string, Sold>;
  readonly weather: Weather;
  /** The time of the sights, which goes faster than the clock on the wall. */
  readonly nowMs: () => number;
  readonly originUnix: number;
}

/** After something befell a machine, it may take so long until it is as it should be. */
const DISTURBED_MS = 30_000;
/** What a create that failed has left is taken back within this time, or was made after all. */
const BROKEN_OFF_MS = 30_000;

const secondsOf = (text: string | null | undefined): number | undefined =>
  typeof text === 'string' && text !== '' ? Math.round(Date.parse(text) / 1000) : undefined;

export const createObserver = ({ host, sold, weather, nowMs, originUnix }: ObserverOptions): Observer => {
  const { libvirt, chain } = host;
  const stateDir = host.at('var/lib/blockhost');
  const eyes = createDomainEyes(libvirt);
  const uuids = new Map<string, string>();
  const names = new Map<string, string>();
  const byUuid = (uuid: string): Sold | undefined => sold.get(names.get(uuid) ?? '');
  const deeds = createDeeds((uuid, what) => {
    const machine = byUuid(uuid);
    if (machine === undefined) return 'nobody';
    if (machine.creating) return 'create';
    if (machine.condemned) return 'operator destroy';
    return machine.ownerStopped && what === 'hypervisor.requestShutdown' ? 'owner' : 'daemon';
  });
  const watches = ASKED.map(({ watch }) => watch());
  const graceWatch = graceIsKept.watch();
  const violations: SoakViolation[] = [];
  const expiries = new Map<
    string,
    { readonly sinceMs: number; readonly was: bigint | undefined; readonly is: bigint }
  >();
  let heard = libvirt.events().length;
  let [looks, blind] = [0, 0];

  /** The same moment on the clock that goes faster. */
  const sooner = (unix: number): number => originUnix + (unix - originUnix) * FASTER;

  const recordOf = (name: string, record: DemoRecord): VmRecord => {
    const expires = secondsOf(record.expires_at);
    return {
      name,
      status: record.status as VmRecord['status'],
      ipAddress: record.ip_address,
      ipv6Address: '',
      owner: record.owner_wallet ?? '',
      username: 'customer',
      nftMinted: false,
      ...(expires === undefined ? {} : { expiresAtUnix: BigInt(sooner(expires)) }),
    };
  };

  /** What is true on the chain now, by a connection of our own. */
  const expiriesNow = async (): Promise<ReadonlyMap<string, bigint>> => {
    const open = [...sold.values()].filter(({ closed }) => !closed);
    const read = open.map(async ({ name, id }) => [name, (await chain.subscription(id)).expiresAtUnix] as const);
    return new Map(await Promise.all(read));
  };

  const noteExpiries = (now: ReadonlyMap<string, bigint>): void => {
    for (const [name, is] of now) {
      const before = expiries.get(name);
      if (before?.is !== is) expiries.set(name, { sinceMs: nowMs(), was: before?.is, is });
    }
  };

  const machinesOf = (
    domains: readonly PlainDomain[],
    records: readonly VmRecord[],
    files: SeenFiles,
  ): readonly SeenMachine[] => {
    const owned = new Map<string, number>();
    for (const [path, uuid] of files.files)
      if (!path.endsWith('/dossier.json')) owned.set(uuid, (owned.get(uuid) ?? 0) + 1);
    return [...sold.values()].flatMap((machine): readonly SeenMachine[] => {
      const { name, failedMs, creating } = machine;
      const uuid = uuids.get(name);
      if (uuid === undefined || machine.closed) return [];
      const plain = domains.find((each) => each.uuid === uuid);
      const brokenOff = failedMs !== undefined && performance.now() - failedMs < BROKEN_OFF_MS;
      const isNew = creating || brokenOff;
      const expiresAt = expiries.get(name)?.is;
      return [
        {
          ...{ uuid, name, isNew, owner: undefined, protected: false, grantUntilUnix: 0n },
          expiresAtUnix: expiresAt === undefined ? undefined : BigInt(sooner(Number(expiresAt))),
          domain: plain && { ...plain, linkUp: true, agentAnswers: false, lets: undefined },
          record: records.find((each) => each.name === name),
          files: owned.get(uuid) ?? 0,
          condemned: machine.condemned,
          excused: machine.ownerStopped || isNew,
          disturbed: performance.now() - machine.disturbedMs < DISTURBED_MS,
        },
      ];
    });
  };

  /** What was read a moment ago may be acted on: an expiry that is younger than facts may be is not asked about yet. */
  const asKnown = (machine: SeenMachine): SeenMachine => {
    const known = expiries.get(machine.name);
    if (known?.was === undefined || nowMs() - known.sinceMs > SEEN_POLICY.freshForHarmMs) return machine;
    return { ...machine, expiresAtUnix: BigInt(sooner(Number(known.was))) };
  };

  const report = (violation: Violation): void => void violations.push({ ...violation, atMs: nowMs() / FASTER });

  const look: Observer['look'] = async (atRest = false) => {
    looks += 1;
    const [domains, ledger, now] = await Promise.all([
      eyes(),
      readLedger(`${stateDir}/vms.json`).catch(() => undefined),
      expiriesNow(),
    ]);
    if (domains === undefined || ledger === undefined) {
      blind += 1;
      return undefined;
    }
    noteExpiries(now);
    for (const { name, uuid } of domains) {
      // A create that was broken off and had again makes another machine of the same name.
      uuids.set(name, uuid);
      names.set(uuid, name);
    }
    const files = await lookAtFiles(stateDir, (name) => uuids.get(name));
    const events = libvirt.events();
    const effects = deeds({ atMs: nowMs(), domains, events: events.slice(heard), ...files });
    heard = events.length;
    const records = Object.entries(ledger.vms).map(([name, record]) => recordOf(name, record));
    const machines = machinesOf(domains, records, files);
    const sight: Sight = {
      nowMs: nowMs(),
      trueUnix: sooner(Date.now() / 1000),
      machines,
      domains: domains.map((domain) => ({ ...domain, linkUp: true, agentAnswers: false, lets: undefined })),
      files: files.files,
      records,
      allocated: ledger.allocated_ips,
      dossiers: files.dossiers,
      effects,
      ...weather.seen(),
      policy: SEEN_POLICY,
      host: SEEN_HOST,
      // A breaker that opens shows as machines that run on, and is told as that.
      openBreakers: new Set(),
      atRest,
    };
    for (const watch of watches) for (const violation of watch(sight)) report(violation);
    for (const violation of graceWatch({ ...sight, machines: machines.map(asKnown) })) report(violation);
    return sight;
  };

  return { look, violations, report, count: () => ({ looks, blind }), uuidOf: (name) => uuids.get(name) };
};

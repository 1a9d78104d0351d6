import type { Effect } from '../../../src/simulator/world/process.ts';
import type { RecordedEvent } from '../../lab/libvirt.ts';
import type { PlainDomain } from './domains.ts';

/** What lies in quarantine of a machine, and whether its disk is in its place. */
export interface Whereabouts {
  readonly kept: ReadonlySet<string>;
  readonly placed: ReadonlySet<string>;
}

export interface Moment extends Whereabouts {
  readonly atMs: number;
  readonly domains: readonly PlainDomain[];
  /** libvirt's own events since the last moment, as another process recorded them. */
  readonly events: readonly RecordedEvent[];
}

const STOPS: Readonly<Record<string, string>> = {
  'Stopped Shutdown': 'hypervisor.requestShutdown',
  'Stopped Destroyed': 'hypervisor.powerOff',
  'Stopped Saved': 'hypervisor.save',
};
const REASONS: Readonly<Record<string, string>> = {
  shutdown: 'hypervisor.requestShutdown',
  destroyed: 'hypervisor.powerOff',
  saved: 'hypervisor.save',
};

const runs = ({ run }: PlainDomain): boolean => run !== 'off' && run !== 'crashed';

/**
 * What was done to machines between two moments, told by its traces alone: libvirt's events, and what is otherwise than it
 * was, for while libvirt is away nobody hears events. Whose hand it was leaves no trace: it counts as the daemon's unless we
 * know of another.
 */
export const createDeeds = (byWhom: (uuid: string, what: string) => string) => {
  let before: Moment | undefined;
  const uuids = new Map<string, string>();

  return (now: Moment): readonly Effect[] => {
    for (const { name, uuid } of [...(before?.domains ?? []), ...now.domains]) uuids.set(name, uuid);
    const found = new Map<string, Effect>();
    const add = (uuid: string, what: string): void => {
      const effect = { by: byWhom(uuid, what), what, args: [uuid], startMs: now.atMs, endMs: now.atMs, failed: false };
      if (!found.has(`${what} ${uuid}`)) found.set(`${what} ${uuid}`, effect);
    };
    for (const { event, domain, detail } of now.events) {
      const uuid = uuids.get(domain);
      if (event !== 'lifecycle' || uuid === undefined) continue;
      const stop = STOPS[detail];
      if (stop !== undefined) add(uuid, stop);
      if (detail.startsWith('Undefined')) add(uuid, 'hypervisor.undefine');
      if (detail.startsWith('Started')) add(uuid, 'hypervisor.start');
    }
    const there = new Map(now.domains.map((domain) => [domain.uuid, domain]));
    for (const was of before?.domains ?? []) {
      const is = there.get(was.uuid);
      if (is === undefined) add(was.uuid, 'hypervisor.undefine');
      else if (runs(was) && !runs(is) && REASONS[is.reason]) add(was.uuid, REASONS[is.reason] ?? '');
    }
    for (const uuid of now.kept) if (before && !before.kept.has(uuid)) add(uuid, 'quarantine.moveIn');
    for (const uuid of before?.kept ?? [])
      if (!now.kept.has(uuid)) add(uuid, now.placed.has(uuid) ? 'quarantine.moveOut' : 'quarantine.purge');
    before = now;
    return [...found.values()];
  };
};

import { describe, expect, it } from 'vitest';
import { createGate } from '../../../src/daemon/gate.ts';
import { speakToManager } from '../../../src/daemon/service-words.ts';
import { createVitals } from '../../../src/daemon/vitals.ts';
import { watchedDecisions, watchedFollower, watchedLibvirt } from '../../../src/daemon/watched.ts';
import type { Fleet } from '../../../src/operations/fleet.ts';
import type { Round } from '../../../src/operations/reconcile.ts';
import type { EventSource, HypervisorEvent } from '../../../src/ports/event-source.ts';
import type { ServiceWord } from '../../../src/ports/service-manager.ts';
import { createVirtualClock } from '../../../src/simulator/time/virtual-clock.ts';
import { chainStream$ } from '../../../streams/chain-stream.ts';
import { createModelLog } from '../../models/model-log.ts';

const MINUTE_MS = 60_000;
const WATCHDOG_MS = 2 * MINUTE_MS;
const never = <T>(): Promise<T> => new Promise(() => undefined);
const EVENT: HypervisorEvent = { kind: 'event', event: 'metadata-change', domain: 'a', detail: '' };

type Part = 'chain' | 'libvirt' | 'surveys' | 'a look';

/**
 * A daemon's moving parts, each of which can be made to stand still, on one virtual clock: the chain's own stream, a
 * watcher whose heartbeat is asked once a minute, a sweep and one look every five minutes.
 */
const build = ({ watches = true } = {}) => {
  const clock = createVirtualClock();
  const log = createModelLog();
  const vitals = createVitals(clock);
  const stop = new AbortController();
  const gate = createGate(['chain', 'libvirt']);
  const still = new Set<Part>();
  const heard: (ServiceWord & { readonly atMs: number })[] = [];
  const manager = {
    watchdogMs: watches ? WATCHDOG_MS : undefined,
    tell: async (word: ServiceWord) => void heard.push({ ...word, atMs: clock.monotonicMs() }),
  };

  const polls = { fail: false };
  const follower = {
    id: 'chain-1',
    poll: () => {
      if (still.has('chain')) return never<readonly []>();
      return polls.fail ? Promise.reject(new Error('away')) : Promise.resolve([] as const);
    },
    nextLook: (afterMs: number, signal: AbortSignal) => clock.sleep(afterMs, signal),
  };
  const watched = watchedFollower(vitals, follower, 4000);
  const subscription = chainStream$({
    follower: watched,
    clock,
    pollEveryMs: 4000,
    route: () => [],
    random: () => 0.9,
  });
  const chain = subscription.subscribe();

  const libvirt = { beat: async (): Promise<boolean> => true, lines: [] as Parameters<EventSource['lines']>[0][] };
  const path = watchedLibvirt(vitals, {
    source: {
      lines: (handlers) => {
        libvirt.lines.push(handlers);
        return () => undefined;
      },
    },
    beat: () => libvirt.beat(),
  });
  path.source.lines({ onEvent: () => undefined, onEnd: () => undefined });

  const decisions = watchedDecisions(vitals, {
    fleet: {
      survey: () => (still.has('surveys') ? never() : Promise.resolve([])),
    } as unknown as Fleet,
    reconcile: () => (still.has('a look') ? never() : Promise.resolve({} as unknown as Round)),
    sweepEveryMs: 5 * MINUTE_MS,
  });

  const everyMinute = async (): Promise<void> => {
    for (let minute = 0; !stop.signal.aborted; minute += 1) {
      const echoes = !still.has('libvirt');
      void path.beat().then(
        (written) => written && echoes && libvirt.lines[0]?.onEvent(EVENT),
        () => undefined,
      );
      if (minute % 5 === 0) {
        void decisions.fleet.survey().catch(() => undefined);
        void decisions.reconcile('u', () => undefined);
      }
      await clock.sleep(MINUTE_MS, stop.signal).catch(() => undefined);
    }
  };
  void everyMinute();
  const words = speakToManager({ vitals, manager, gate, clock, log, machines: () => 7, stop: stop.signal });
  const feedsSince = (sinceMs: number): number =>
    heard.filter(({ what, atMs }) => what === 'alive' && atMs >= sinceMs).length;
  const longestHungerMs = (): number => {
    const at = heard.filter(({ what }) => what === 'alive').map(({ atMs }) => atMs);
    return Math.max(...[...at, clock.monotonicMs()].map((ms, index) => ms - (at[index - 1] ?? 0)));
  };
  return { clock, log, gate, still, heard, polls, libvirt, stop, chain, words, feedsSince, longestHungerMs };
};

describe('the service manager', () => {
  it('is told that the daemon listens, before anything was seen, and then how it gets on', async () => {
    const { clock, heard, gate } = build({ watches: false });
    await clock.advance(0);
    expect(heard).toEqual([
      { what: 'ready', status: 'machines: 7; nothing harmful before it has seen: chain, libvirt', atMs: 0 },
    ]);
    await clock.advance(5000);
    gate.pass('chain');
    gate.pass('libvirt');
    expect(heard.slice(1)).toEqual([{ what: 'status', status: 'machines: 7', atMs: 5000 }]);
  });

  it('that does not watch is told nothing more, however long it takes', async () => {
    const { clock, heard } = build({ watches: false });
    await clock.advance(60 * MINUTE_MS);
    expect(heard.map(({ what }) => what)).toEqual(['ready']);
  });

  it('hears that the daemon stops, which is not gone before that was said', async () => {
    const { clock, heard, stop, words } = build();
    await clock.advance(MINUTE_MS);
    stop.abort();
    await words.farewell();
    expect(heard.at(-1)).toMatchObject({ what: 'stopping' });
    await clock.advance(60 * MINUTE_MS);
    expect(heard.at(-1)).toMatchObject({ what: 'stopping' });
  });
});

describe('the watchdog', () => {
  it('is fed three times within its limit while everything moves, for a day', async () => {
    const { clock, longestHungerMs, log } = build();
    await clock.advance(24 * 60 * MINUTE_MS);
    expect(longestHungerMs()).toBe(WATCHDOG_MS / 3);
    expect(log.lines).toEqual([]);
  });

  it.each<[Part, number, string]>([
    ['chain', 16, 'chain-1'],
    ['libvirt', 6, 'libvirt events'],
    ['surveys', 20, 'surveys'],
    ['a look', 55, 'a look at u'],
  ])('starves where %s alone stands still', async (part, afterMinutes, named) => {
    const { clock, still, feedsSince, log } = build();
    await clock.advance(30 * MINUTE_MS);
    still.add(part);
    await clock.advance(afterMinutes * MINUTE_MS);
    const hungrySinceMs = clock.monotonicMs();
    await clock.advance(10 * MINUTE_MS);
    expect(feedsSince(hungrySinceMs)).toBe(0);
    expect(log.lines[0]).toMatchObject({ level: 'error', fields: { stalled: [named] } });
  });

  it('is fed again when what stood still moves again', async () => {
    const { clock, still, feedsSince } = build();
    still.add('libvirt');
    await clock.advance(10 * MINUTE_MS);
    expect(feedsSince(8 * MINUTE_MS)).toBe(0);
    still.delete('libvirt');
    await clock.advance(2 * MINUTE_MS);
    expect(feedsSince(10 * MINUTE_MS)).toBeGreaterThan(0);
  });

  it.each<[string, (parts: ReturnType<typeof build>) => void]>([
    ['every endpoint is away', ({ polls }) => Object.assign(polls, { fail: true })],
    [
      'libvirt refuses the heartbeat',
      ({ libvirt }) => Object.assign(libvirt, { beat: () => Promise.reject(new Error()) }),
    ],
    ['there is no machine to beat on', ({ libvirt }) => Object.assign(libvirt, { beat: async () => false })],
  ])('does not take it for standing still that %s: a new start would not help', async (_title, happens) => {
    const parts = build();
    happens(parts);
    await parts.clock.advance(3 * 60 * MINUTE_MS);
    expect(parts.longestHungerMs()).toBe(WATCHDOG_MS / 3);
  });

  it('does not take it for standing still that libvirtd goes away again and again', async () => {
    const { clock, still, libvirt, longestHungerMs } = build();
    still.add('libvirt');
    for (let minutes = 0; minutes < 60; minutes += 4) {
      libvirt.lines[0]?.onEnd('libvirtd went away');
      await clock.advance(4 * MINUTE_MS);
    }
    expect(longestHungerMs()).toBe(WATCHDOG_MS / 3);
  });

  it('goes by a clock that never jumps', async () => {
    const { clock, longestHungerMs } = build();
    await clock.advance(MINUTE_MS);
    clock.jump(24 * 60 * MINUTE_MS);
    await clock.advance(10 * MINUTE_MS);
    expect(longestHungerMs()).toBe(WATCHDOG_MS / 3);
  });
});

import { map, NEVER, type Observable, of, take, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import type { EventSource, HypervisorEvent } from '../../../src/ports/event-source.ts';
import { type LibvirtStreamDeps, libvirtStream$ } from '../../../streams/libvirt-stream.ts';
import { createModelLog } from '../../models/model-log.ts';

const event = (domain: string, detail: string, kind = 'lifecycle'): HypervisorEvent => ({
  kind: 'event',
  event: kind,
  domain,
  detail,
});

/** One letter per event in the marbles. */
const events: Record<string, HypervisorEvent> = {
  s: event('a', 'Stopped Shutdown'),
  S: event('b', 'Stopped Failed'),
  r: event('a', 'Started Booted'),
  p: event('a', 'Resumed Unpaused'),
  d: event('a', 'Defined Updated'),
  g: event('a', "state: 'connected' reason: 'channel event'", 'agent-lifecycle'),
  u: event('nobody', 'Started Booted'),
  c: event('a', '3600', 'rtc-change'),
  m: event('a', 'type element, uri https://ours/1', 'metadata-change'),
  M: event('a', 'type element, uri https://theirs/1', 'metadata-change'),
  k: { kind: 'continuation', text: 'operation: 2' },
  x: { kind: 'unparsed', line: 'events received: 3' },
};

const uuids: Record<string, string> = { a: 'uuid-a', b: 'uuid-b' };
const timing = {
  settleMs: 10,
  quietMs: 100,
  echoMs: 20,
  stoppedDebounceMs: 5,
  backoffBaseMs: 4,
  backoffCapMs: 16,
};

type Cold = (marbles: string) => Observable<HypervisorEvent>;

/** Watchers one after another; `#` in the marbles is the watcher's end. The last one is repeated. */
const sourceOf = (watchers: readonly Observable<HypervisorEvent>[]): EventSource & { readonly calls: () => number } => {
  let calls = 0;
  return {
    calls: () => calls,
    lines: ({ onEvent, onEnd }) => {
      const watcher = watchers[Math.min(calls++, watchers.length - 1)] ?? NEVER;
      const subscription = watcher.subscribe({ next: onEvent, error: () => onEnd('libvirtd went away') });
      return () => subscription.unsubscribe();
    },
  };
};

/** Runs the stream in virtual time; `all` is a wake for all machines, else the UUID. */
const wakesOf = (
  wanted: string,
  make: (cold: Cold) => readonly Observable<HypervisorEvent>[],
  overrides: Partial<LibvirtStreamDeps> = {},
  until = '300ms !',
): { calls: number; log: ReturnType<typeof createModelLog> } => {
  const log = createModelLog();
  let source = sourceOf([]);
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, expectObservable }) => {
    source = sourceOf(make((marbles) => cold(marbles, events)));
    const stream$ = libvirtStream$({
      source,
      resolve: (name) => uuids[name],
      clock: { nowUnixMs: () => 42 },
      log,
      random: () => 1,
      timing,
      ...overrides,
    }).pipe(map(({ target }) => (target.kind === 'all' ? '*' : target.uuid.slice(-1))));
    expectObservable(stream$, until).toBe(wanted);
  });
  return { calls: source.calls(), log };
};

describe('libvirtStream$', () => {
  it('wakes all machines when a new watcher has settled (L12)', () => {
    wakesOf('10ms *', (cold) => [cold('-')]);
  });

  it('takes the first event for proof that the watcher listens: all are woken, then its machine', () => {
    wakesOf('---(*a)', (cold) => [cold('---r')]);
  });

  it('wakes the machine of each event, and all of them for a name that it does not know', () => {
    wakesOf('(*a) 4ms a 8ms *', (cold) => [cold('r 7ms g 8ms u')], {}, '60ms !');
  });

  it('wakes nobody for continuation lines, lines not understood, and what a guest can cause at will', () => {
    wakesOf('--*', (cold) => [cold('--kxck')], {}, '60ms !');
  });

  it('lets a stop stand for a while before it wakes anybody (L7)', () => {
    wakesOf('*----a', (cold) => [cold('s')], {}, '60ms !');
  });

  it.each([
    ['Started', 's--r'],
    ['Resumed', 's--p'],
  ])('takes a pending stop back when %s follows: a reboot is no stop (L7)', (_, marbles) => {
    wakesOf('*--a', (cold) => [cold(marbles)], {}, '60ms !');
  });

  it('keeps a pending stop while other things are said of that machine or any', () => {
    wakesOf('*a-a-a', (cold) => [cold('sg-d')], {}, '60ms !');
  });

  it('begins the wait anew with each stop, and waits for each machine by itself', () => {
    wakesOf('*-----b-a', (cold) => [cold('sS-s')], {}, '60ms !');
  });

  it('connects again with growing, capped, jittered pauses, and wakes all each time (L8, L12)', () => {
    const { calls, log } = wakesOf(
      '---(*a) 59ms *',
      (cold) => [cold('---r--#'), cold('--#'), cold('--#'), cold('--#'), cold('-')],
      {},
      '80ms !',
    );
    expect(calls).toBe(5);
    const losses = log.lines.filter(({ message }) => message.includes('events lost'));
    const pauses = losses.map(({ fields }) => fields.retryInMs);
    expect(pauses).toEqual([4, 8, 16, 16]);
    expect(log.lines[1]?.fields.why).toBe('the event watcher ended: libvirtd went away');
  });

  it('tells a loss once while it lasts, and the next one anew', () => {
    const { log } = wakesOf(
      '---(*a) 59ms *',
      (cold) => [cold('---r--#'), cold('--#'), cold('--#'), cold('--#'), cold('-')],
      {},
      '80ms !',
    );
    const levels = log.lines.filter(({ message }) => message.includes('events lost')).map(({ level }) => level);
    expect(levels).toEqual(['warn', 'debug', 'debug', 'debug']);
    const twice = wakesOf('(*a) 5ms (*a)', (cold) => [cold('r----#'), cold('r---#'), cold('-')], {}, '16ms !');
    expect(twice.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
  });

  it('starts from a short pause again once a watcher has lived', () => {
    const { log } = wakesOf(
      '10ms * 33ms *',
      (cold) => [cold('20ms #'), cold('--#'), cold('20ms #'), cold('-')],
      {},
      '62ms !',
    );
    const pauses = log.lines
      .filter(({ message }) => message.includes('events lost'))
      .map(({ fields }) => fields.retryInMs);
    expect(pauses).toEqual([4, 8, 4]);
  });

  it('spreads its pauses from nothing to the bound', () => {
    const { log } = wakesOf('', (cold) => [cold('--#')], { random: () => 0.5 }, '20ms !');
    expect(log.lines.slice(0, 2).map(({ fields }) => fields.retryInMs)).toEqual([2, 4]);
  });

  it('replaces a watcher that does not echo a heartbeat', () => {
    // Settles at 10, no echo by 30, again after 4, settled at 44 …
    const { calls, log } = wakesOf('', (cold) => [cold('-')], { beat: () => of(true) }, '60ms !');
    expect(calls).toBe(2);
    expect(log.lines[0]?.fields.why).toBe('no echo of the heartbeat within 20 ms');
  });

  it('takes the echo for a sign of life and for nothing else', () => {
    let beats = 0;
    const beat = () => {
      beats += 1;
      return of(true);
    };
    const { calls } = wakesOf(
      '12ms *',
      (cold) => [cold('12ms m 104ms m')],
      { beat, echoUri: 'https://ours/1' },
      '200ms !',
    );
    expect(calls).toBe(1);
    expect(beats).toBe(2);
    wakesOf('12ms (*a)', (cold) => [cold('12ms M')], { beat, echoUri: 'https://ours/1' }, '30ms !');
  });

  it('beats again and again while nothing of ours is there to beat on, and is content', () => {
    let beats = 0;
    const beat = () => {
      beats += 1;
      return of(false);
    };
    const { calls } = wakesOf('10ms *', (cold) => [cold('-')], { beat });
    expect(calls).toBe(1);
    expect(beats).toBe(3);
  });

  it('beats only after silence', () => {
    let beats = 0;
    wakesOf('*', (cold) => [cold('k 90ms k 90ms k 90ms k')], { beat: () => of(++beats > 0) });
    expect(beats).toBe(0);
  });

  it('replaces a watcher whose heartbeat cannot be written, or takes for ever to be', () => {
    const failed = wakesOf('', (cold) => [cold('-')], { beat: () => throwError(() => new Error('no room')) }, '20ms !');
    expect(failed.log.lines[0]?.fields.why).toBe('no room');
    const slow = wakesOf('', (cold) => [cold('-')], { beat: () => NEVER }, '32ms !');
    expect(slow.log.lines[0]?.fields.why).toBe('the heartbeat was not written within 20 ms');
  });

  it('hands on every event as it comes, with its machine', () => {
    const heard: unknown[] = [];
    wakesOf('*----a', (cold) => [cold('skx')], { onEvent: (said, uuid) => heard.push([said, uuid]) }, '60ms !');
    expect(heard).toEqual([
      [events.s, 'uuid-a'],
      [events.k, undefined],
      [events.x, undefined],
    ]);
  });

  it('keeps errors of those who listen inside, and connects again', () => {
    const log = createModelLog();
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, expectObservable }) => {
      const source = sourceOf([cold('r', events), cold('-')]);
      const resolve = () => {
        throw new Error('a defect');
      };
      const wakes$ = libvirtStream$({ source, resolve, clock: { nowUnixMs: () => 42 }, log, random: () => 1, timing });
      expectObservable(
        wakes$.pipe(
          map(({ target }) => target.kind),
          take(2),
        ),
      ).toBe('a 13ms (a|)', { a: 'all' });
    });
    expect(log.lines.some(({ fields }) => fields.why === 'a defect')).toBe(true);
  });

  it("says in words what libvirt said, with libvirt's own time", () => {
    const said: HypervisorEvent = {
      kind: 'event',
      event: 'lifecycle',
      domain: 'a',
      detail: 'Started Booted',
      atUnixMs: 7,
    };
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, expectObservable }) => {
      const source = sourceOf([cold('e----g', { ...events, e: said })]);
      const log = createModelLog();
      const wakes$ = libvirtStream$({
        source,
        resolve: () => undefined,
        clock: { nowUnixMs: () => 42 },
        log,
        random: () => 1,
        timing,
      });
      expectObservable(wakes$.pipe(map(({ why }) => why)), '20ms !').toBe('(ab)-c', {
        a: { source: 'libvirt', what: 'libvirt events are connected: all machines are looked at', seenAtUnixMs: 42 },
        b: { source: 'libvirt', what: "libvirt said: 'a' Started Booted", seenAtUnixMs: 7 },
        c: {
          source: 'libvirt',
          what: "libvirt said: 'a' agent-lifecycle state: 'connected' reason: 'channel event'",
          seenAtUnixMs: 42,
        },
      });
    });
  });
});

import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import type { ChainFollower, ChainHint } from '../../../src/ports/chain.ts';
import { createVirtualClock } from '../../../src/simulator/time/virtual-clock.ts';
import { chainStream$ } from '../../../streams/chain-stream.ts';
import type { Wake } from '../../../streams/wake.ts';

const POLL_MS = 1000;
const random = (): number => 0.5;
const advanced = (head: bigint): ChainHint => ({ kind: 'advanced', head, safe: head, finalized: head });
const toAll = (): readonly Wake['target'][] => [{ kind: 'all' }];

/** A follower that gives what `looks` has for each look, and waits by the clock. */
const followerOf = (clock: ReturnType<typeof createVirtualClock>, looks: (index: number) => readonly ChainHint[]) => {
  const at: number[] = [];
  const follower: ChainFollower = {
    id: 'chain-1',
    poll: async () => {
      at.push(clock.monotonicMs());
      return looks(at.length - 1);
    },
    nextLook: (afterMs, signal) => clock.sleep(afterMs, signal),
  };
  return { follower, at };
};

const collect = (deps: Parameters<typeof chainStream$>[0]) => {
  const wakes: Wake[] = [];
  let ended = '';
  const subscription = chainStream$(deps).subscribe({
    next: (wake) => wakes.push(wake),
    error: () => {
      ended = 'error';
    },
    complete: () => {
      ended = 'complete';
    },
  });
  return { wakes, subscription, ended: () => ended };
};

describe('the chain stream', () => {
  it('polls, wakes whom the router names, and looks again after the pause', async () => {
    const clock = createVirtualClock();
    const { follower, at } = followerOf(clock, (index) => (index === 1 ? [advanced(5n), advanced(6n)] : []));
    const route = (hint: ChainHint): readonly Wake['target'][] =>
      hint.kind === 'advanced' && hint.head === 5n
        ? [
            { kind: 'machine', uuid: 'a' },
            { kind: 'machine', uuid: 'b' },
          ]
        : [];
    const { wakes, subscription } = collect({ follower, clock, pollEveryMs: POLL_MS, route, random });
    await clock.advance(2500);
    expect(at).toEqual([0, 1000, 2000]);
    expect(wakes.map(({ target }) => target)).toEqual([
      { kind: 'machine', uuid: 'a' },
      { kind: 'machine', uuid: 'b' },
    ]);
    expect(wakes[0]?.why).toEqual({ source: 'chain', what: 'block 5', seenAtUnixMs: clock.nowUnixMs() - 1500 });
    subscription.unsubscribe();
  });

  it('stops looking, and aborts the wait, when nobody listens any more', async () => {
    const clock = createVirtualClock();
    const { follower, at } = followerOf(clock, () => []);
    const { subscription, ended } = collect({ follower, clock, pollEveryMs: POLL_MS, route: toAll, random });
    await clock.advance(1500);
    subscription.unsubscribe();
    await clock.advance(60_000);
    expect(at).toEqual([0, 1000]);
    expect(ended()).toBe('');
  });

  it('never ends for an error: it pauses longer each time, at most 5 minutes, and then goes on (L8)', async () => {
    const clock = createVirtualClock();
    const { follower, at } = followerOf(clock, (index) => {
      if (index > 0 && index < 15) throw new Error('no');
      return [advanced(BigInt(index))];
    });
    const { wakes, subscription, ended } = collect({
      follower,
      clock,
      pollEveryMs: POLL_MS,
      route: toAll,
      random: () => 1,
    });
    await clock.advance(60 * 60_000);
    const pauses = at.slice(1, 16).map((ms, index) => ms - (at[index] ?? 0));
    expect(pauses.slice(0, 5)).toEqual([1000, 2000, 4000, 8000, 16_000]);
    expect(Math.max(...pauses)).toBe(300_000);
    expect(wakes[1]?.why.what).toBe('block 15');
    expect(ended()).toBe('');
    subscription.unsubscribe();
  });

  it('uses full jitter, but never none at all', async () => {
    const clock = createVirtualClock();
    const { follower, at } = followerOf(clock, () => {
      throw new Error('no');
    });
    const { subscription } = collect({ follower, clock, pollEveryMs: POLL_MS, route: toAll, random: () => 0 });
    await clock.advance(500);
    expect(at.length).toBe(11);
    subscription.unsubscribe();
  });

  it('wakes everybody for a hint that the router cannot place', async () => {
    const clock = createVirtualClock();
    const { follower } = followerOf(clock, () => [advanced(1n)]);
    const route = (): readonly Wake['target'][] => {
      throw new Error('no');
    };
    const { wakes, subscription } = collect({ follower, clock, pollEveryMs: POLL_MS, route, random });
    await clock.advance(10);
    expect(wakes[0]?.target).toEqual({ kind: 'all' });
    subscription.unsubscribe();
  });

  it('says in words what happened', async () => {
    const ref = { chainId: 1, contract: '0x00000000000000000000000000000000000000a1', subscriptionId: 7n } as const;
    const hints: readonly ChainHint[] = [
      { kind: 'subscription', ref, what: 'subscription extended', block: 9n },
      { kind: 'token', tokenId: 3n, what: 'token transferred', block: 9n },
      { kind: 'reorg', depth: 2, from: 8n, suspects: [ref] },
      { kind: 'unknown', why: 'no connection', sinceUnixMs: 1 },
      { kind: 'known-again', unknownForMs: 5 },
    ];
    const clock = createVirtualClock();
    const { follower } = followerOf(clock, (index) => (index === 0 ? hints : []));
    const { wakes, subscription } = collect({ follower, clock, pollEveryMs: POLL_MS, route: toAll, random });
    await clock.advance(10);
    expect(wakes.map(({ why }) => why.what)).toEqual([
      'subscription extended: 7 in block 9',
      'token transferred: 3 in block 9',
      'reorg of 2 blocks from block 8',
      'chain unknown: no connection',
      'chain known again',
    ]);
    subscription.unsubscribe();
  });

  it('is cold: two subscribers are two loops, none means no look', () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    const clock = createVirtualClock();
    const { follower, at } = followerOf(clock, () => []);
    const wakes$ = chainStream$({ follower, clock, pollEveryMs: POLL_MS, route: toAll, random });
    expect(at).toHaveLength(0);
    scheduler.run(({ expectObservable }) => expectObservable(wakes$, '5ms !').toBe('-'));
    const [one, two] = [wakes$.subscribe(), wakes$.subscribe()];
    expect(at.length).toBeGreaterThanOrEqual(2);
    one.unsubscribe();
    two.unsubscribe();
  });
});

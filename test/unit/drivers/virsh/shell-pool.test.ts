import { describe, expect, it } from 'vitest';
import { createSystemClock } from '../../../../src/drivers/clock/system-clock.ts';
import type { Shell } from '../../../../src/drivers/virsh/shell.ts';
import { createShellPool } from '../../../../src/drivers/virsh/shell-pool.ts';
import type { VirshResult } from '../../../../src/drivers/virsh/virsh-result.ts';

const done = (stdout: string): VirshResult => ({
  ok: true,
  stdout,
  stderr: '',
  timedOut: false,
  died: false,
  durationMs: 0,
});

/** Shells whose commands end when the test says so. */
const create = (size: number, maxWaiting = 10) => {
  const running: { readonly what: string; readonly end: () => void }[] = [];
  let made = 0;
  let closed = 0;
  const makeShell = (): Shell => {
    made += 1;
    return {
      run: ([what = '']) => new Promise((resolve) => running.push({ what, end: () => resolve(done(what)) })),
      close: () => {
        closed += 1;
      },
    };
  };
  const pool = createShellPool({ size, maxWaiting, clock: createSystemClock(), makeShell });
  return { pool, running, made: () => made, closed: () => closed };
};
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const long = { timeoutMs: 60_000 };

describe('a pool of shells', () => {
  it('starts no more shells than it needs, nor more than it may', async () => {
    const { pool, running, made } = create(2);
    const all = ['a', 'b', 'c'].map((what) => pool.run([what], long));
    await settled();
    expect(made()).toBe(2);
    expect(running.map(({ what }) => what)).toEqual(['a', 'b']);
    running[1]?.end();
    await settled();
    expect(running.map(({ what }) => what)).toEqual(['a', 'b', 'c']);
    for (const { end } of running) end();
    expect((await Promise.all(all)).map(({ stdout }) => stdout)).toEqual(['a', 'b', 'c']);
    const later = pool.run(['d'], long);
    await settled();
    running[3]?.end();
    await later;
    expect(made()).toBe(2);
  });

  it('serves those who wait in their order', async () => {
    const { pool, running } = create(1);
    const all = ['a', 'b', 'c', 'd'].map((what) => pool.run([what], long));
    for (let at = 0; at < 4; at++) {
      await settled();
      running[at]?.end();
    }
    await Promise.all(all);
    expect(running.map(({ what }) => what)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('refuses at once what is beyond the bound of its queue', async () => {
    const { pool, running } = create(1, 1);
    const first = pool.run(['a'], long);
    const second = pool.run(['b'], long);
    await settled();
    expect(await pool.run(['c'], long)).toMatchObject({ ok: false, timedOut: true });
    running[0]?.end();
    await settled();
    running[1]?.end();
    expect([(await first).ok, (await second).ok]).toEqual([true, true]);
  });

  it('gives up waiting after the deadline, and the next one still gets its turn', async () => {
    const { pool, running } = create(1);
    const first = pool.run(['a'], long);
    const impatient = pool.run(['b'], { timeoutMs: 20 });
    const patient = pool.run(['c'], long);
    expect(await impatient).toMatchObject({ ok: false, timedOut: true });
    running[0]?.end();
    await first;
    await settled();
    expect(running.map(({ what }) => what)).toEqual(['a', 'c']);
    running[1]?.end();
    expect((await patient).ok).toBe(true);
  });

  it('answers all who wait when it is closed, and nobody afterwards', async () => {
    const { pool, running, closed } = create(1);
    const first = pool.run(['a'], long);
    const waiting = pool.run(['b'], long);
    await settled();
    pool.close();
    expect(closed()).toBe(1);
    expect(await waiting).toMatchObject({ ok: false, died: true });
    expect(await pool.run(['c'], long)).toMatchObject({ ok: false, died: true });
    running[0]?.end();
    await first;
  });
});

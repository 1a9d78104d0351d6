import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { coalesceMap } from '../../../streams/operators/coalesce-map.ts';

interface Run {
  readonly value: string;
  readonly missed: number;
  end(): Promise<void>;
  fail(error: unknown): Promise<void>;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A projection whose runs end when the test says so. */
const hand = () => {
  const source = new Subject<string>();
  const runs: Run[] = [];
  const said: string[] = [];
  const project = (value: string, missed: number): Promise<string> =>
    new Promise((resolve, reject) => {
      runs.push({
        value,
        missed,
        end: () => {
          resolve(`done ${value}`);
          return settled();
        },
        fail: (error) => {
          reject(error);
          return settled();
        },
      });
    });
  const subscription = source.pipe(coalesceMap(project)).subscribe({
    next: (result) => said.push(result),
    error: (error: unknown) => said.push(`error ${String(error)}`),
    complete: () => said.push('complete'),
  });
  const run = (index: number): Run => {
    const found = runs[index];
    if (!found) throw new Error(`there was no run ${index}`);
    return found;
  };
  return { source, runs, run, said, subscription };
};

describe('coalesceMap (L2)', () => {
  it('runs at once for the first value, and never twice at the same time', () => {
    const { source, runs } = hand();
    source.next('a');
    source.next('b');
    source.next('c');
    expect(runs.map(({ value }) => value)).toEqual(['a']);
  });

  it('turns everything that came during a run into exactly one more, with the latest value and how many it stands for', async () => {
    const { source, runs, run, said } = hand();
    for (const value of ['a', 'b', 'c', 'd']) source.next(value);
    await run(0).end();
    expect(runs.map(({ value, missed }) => [value, missed])).toEqual([
      ['a', 0],
      ['d', 2],
    ]);
    await run(1).end();
    expect(runs).toHaveLength(2);
    expect(said).toEqual(['done a', 'done d']);
  });

  it('is idle again after a run, so that the next value runs at once', async () => {
    const { source, runs, run } = hand();
    source.next('a');
    await run(0).end();
    source.next('b');
    expect(runs.map(({ value }) => value)).toEqual(['a', 'b']);
  });

  it('completes only after the running one and the one that waits', async () => {
    const { source, run, said } = hand();
    source.next('a');
    source.next('b');
    source.complete();
    expect(said).toEqual([]);
    await run(0).end();
    expect(said).toEqual(['done a']);
    await run(1).end();
    expect(said).toEqual(['done a', 'done b', 'complete']);
  });

  it('completes at once when nothing runs', () => {
    const { source, said } = hand();
    source.complete();
    expect(said).toEqual(['complete']);
  });

  it('passes an error of a run on, and starts nothing after it', async () => {
    const { source, runs, run, said } = hand();
    source.next('a');
    source.next('b');
    await run(0).fail('no');
    expect(said).toEqual(['error no']);
    expect(runs).toHaveLength(1);
  });

  it('passes an error of its source on while a run goes on', async () => {
    const { source, runs, run, said } = hand();
    source.next('a');
    source.next('b');
    source.error('gone');
    expect(said).toEqual(['error gone']);
    await run(0).end();
    expect(runs).toHaveLength(1);
    expect(said).toEqual(['error gone']);
  });

  it('starts nothing more once nobody listens', async () => {
    const { source, runs, run, subscription } = hand();
    source.next('a');
    source.next('b');
    subscription.unsubscribe();
    await run(0).end();
    expect(runs.map(({ value }) => value)).toEqual(['a']);
  });

  it('passes an error on that is thrown before there is a promise', async () => {
    const source = new Subject<string>();
    const said: string[] = [];
    const project = (): Promise<string> => {
      throw new Error('at once');
    };
    source.pipe(coalesceMap(project)).subscribe({ error: (error: unknown) => said.push(String(error)) });
    source.next('a');
    await settled();
    expect(said).toEqual(['Error: at once']);
  });
});

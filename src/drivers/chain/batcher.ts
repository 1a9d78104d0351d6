import type { Clock } from '../../ports/clock.ts';

/**
 * Collects what is asked within `waitMs` and answers it in one go. `run` gives one answer per item, in order; what it
 * throws reaches every caller of that batch.
 */
export const createBatcher = <Item, Result>(deps: {
  readonly clock: Clock;
  readonly waitMs: number;
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
}): ((item: Item) => Promise<Result>) => {
  let open: { items: Item[]; results: Promise<readonly Result[]> } | undefined;

  const start = (): { items: Item[]; results: Promise<readonly Result[]> } => {
    const items: Item[] = [];
    const results = deps.clock.sleep(deps.waitMs).then(() => {
      open = undefined;
      return deps.run(items);
    });
    return { items, results };
  };

  return async (item) => {
    open ??= start();
    const { items, results } = open;
    const index = items.push(item) - 1;
    const result = (await results)[index];
    if (result === undefined) throw new Error('a batch gave fewer answers than it was asked for');
    return result;
  };
};

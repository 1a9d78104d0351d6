/** Runs `body` for each item, at most `width` at once; the results are in the order of the items. */
export const inParallel = async <Item, Result>(
  items: readonly Item[],
  width: number,
  body: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> => {
  const results = new Map<number, Result>();
  const left = [...items.entries()].values();
  const worker = async (): Promise<void> => {
    for (const [index, item] of left) results.set(index, await body(item));
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return items.flatMap((_, index) => (results.has(index) ? [results.get(index) as Result] : []));
};

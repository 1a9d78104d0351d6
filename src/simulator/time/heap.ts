/** Items by the number that `by` gives, least first; of equal ones the oldest. */
export interface Heap<Item> {
  push(item: Item): void;
  top(): Item | undefined;
  pop(): Item | undefined;
  readonly size: number;
}

interface Entry<Item> {
  readonly key: number;
  readonly turn: number;
  readonly item: Item;
}

export const createHeap = <Item>(by: (item: Item) => number): Heap<Item> => {
  const entries: Entry<Item>[] = [];
  let turns = 0;

  const before = (a: Entry<Item>, b: Entry<Item>): boolean => a.key < b.key || (a.key === b.key && a.turn < b.turn);

  const siftUp = (entry: Entry<Item>): void => {
    let index = entries.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = entries[parent] as Entry<Item>;
      if (before(above, entry)) break;
      entries[index] = above;
      index = parent;
    }
    entries[index] = entry;
  };

  const siftDown = (entry: Entry<Item>): void => {
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= entries.length) break;
      const right = entries[child + 1];
      if (right && before(right, entries[child] as Entry<Item>)) child += 1;
      const below = entries[child] as Entry<Item>;
      if (before(entry, below)) break;
      entries[index] = below;
      index = child;
    }
    entries[index] = entry;
  };

  return {
    push: (item) => {
      turns += 1;
      siftUp({ key: by(item), turn: turns, item });
    },
    top: () => entries[0]?.item,
    pop: () => {
      const [first] = entries;
      const last = entries.pop();
      if (last && entries.length > 0) siftDown(last);
      return first?.item;
    },
    get size() {
      return entries.length;
    },
  };
};

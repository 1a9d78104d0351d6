/**
 * A heap of deadlines, one per key, earliest first. A deadline is only a reason to look: facts are checked again when it
 * is due (C14). A key that is set again forgets its older deadline.
 */
export interface Deadlines {
  set(key: string, atUnixMs: number): void;
  clear(key: string): void;
  /** Removes and returns every key whose time has come. */
  takeDue(nowUnixMs: number): readonly string[];
  earliestUnixMs(): number | undefined;
}

interface Entry {
  readonly key: string;
  readonly atUnixMs: number;
}

const swap = (heap: Entry[], a: number, b: number): void => {
  const [first, second] = [heap[a], heap[b]];
  if (first && second) {
    heap[a] = second;
    heap[b] = first;
  }
};

const timeAt = (heap: readonly Entry[], index: number): number => heap[index]?.atUnixMs ?? Number.POSITIVE_INFINITY;

const siftUp = (heap: Entry[], from: number): void => {
  for (let index = from; index > 0; ) {
    const parent = (index - 1) >> 1;
    if (timeAt(heap, parent) <= timeAt(heap, index)) return;
    swap(heap, parent, index);
    index = parent;
  }
};

const siftDown = (heap: Entry[]): void => {
  for (let index = 0; ; ) {
    const [left, right] = [2 * index + 1, 2 * index + 2];
    const child = timeAt(heap, right) < timeAt(heap, left) ? right : left;
    if (timeAt(heap, child) >= timeAt(heap, index)) return;
    swap(heap, child, index);
    index = child;
  }
};

const pop = (heap: Entry[]): void => {
  const last = heap.pop();
  if (last && heap.length > 0) {
    heap[0] = last;
    siftDown(heap);
  }
};

/** So many stale entries are no reason to tidy up. */
const FEW = 64;

export const createDeadlines = (): Deadlines => {
  let heap: Entry[] = [];
  const current = new Map<string, number>();

  const dropStale = (): void => {
    for (let top = heap[0]; top && current.get(top.key) !== top.atUnixMs; top = heap[0]) pop(heap);
  };

  /** What was set again or cleared leaves entries behind; a far one would stay for weeks. A sorted array is a heap, too. */
  const sweepStale = (): void => {
    if (heap.length <= 2 * current.size + FEW) return;
    heap = [...current].map(([key, atUnixMs]) => ({ key, atUnixMs })).sort((a, b) => a.atUnixMs - b.atUnixMs);
  };

  return {
    set: (key, atUnixMs) => {
      if (current.get(key) === atUnixMs) return;
      sweepStale();
      current.set(key, atUnixMs);
      heap.push({ key, atUnixMs });
      siftUp(heap, heap.length - 1);
    },
    clear: (key) => {
      current.delete(key);
    },
    takeDue: (nowUnixMs) => {
      const due: string[] = [];
      for (dropStale(); timeAt(heap, 0) <= nowUnixMs; dropStale()) {
        const top = heap[0];
        if (top === undefined) break;
        due.push(top.key);
        current.delete(top.key);
        pop(heap);
      }
      return due;
    },
    earliestUnixMs: () => {
      dropStale();
      return heap[0]?.atUnixMs;
    },
  };
};

/** What must have been seen once after start-up before anything harmful may happen (L6). */
export type GateKey = 'chain' | 'libvirt' | 'records' | 'snapshot';

/** Opens when every key has passed, and then stays open: later doubts are facts of their own. */
export interface Gate {
  pass(key: GateKey): void;
  waitsFor(): readonly GateKey[];
  /** Calls back once, when the last key has passed. */
  onOpen(listener: () => void): void;
}

export const createGate = (keys: readonly GateKey[]): Gate => {
  const waiting = new Set(keys);
  const listeners: (() => void)[] = [];
  return {
    pass: (key) => {
      if (!waiting.delete(key) || waiting.size > 0) return;
      for (const listener of listeners) listener();
    },
    waitsFor: () => [...waiting],
    onOpen: (listener) => {
      listeners.push(listener);
    },
  };
};

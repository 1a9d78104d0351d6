/** What must have been seen once after start-up before anything harmful may happen (L6). */
export type GateKey = 'chain' | 'libvirt' | 'records' | 'snapshot';

/** Opens when every key has passed, and then stays open: later doubts are facts of their own. */
export interface Gate {
  pass(key: GateKey): void;
  waitsFor(): readonly GateKey[];
}

export const createGate = (keys: readonly GateKey[], onOpen: () => void): Gate => {
  const waiting = new Set(keys);
  return {
    pass: (key) => {
      if (waiting.delete(key) && waiting.size === 0) onOpen();
    },
    waitsFor: () => [...waiting],
  };
};

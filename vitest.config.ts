import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/lab/longest-first.ts';

/** What counts seconds, or measures: nothing else runs beside it. */
const alone = [
  'test/demo/demo.test.ts',
  'test/integration/{bad-input-chain,commands-guest,sandboxed-walk,virsh}.test.ts',
];

const shipped = { globalSetup: 'test/lab/built.ts' } as const;
const realParts = { ...shipped, pool: 'forks', testTimeout: 180_000, hookTimeout: 300_000 } as const;

/**
 * Kinds of tests: `unit` (no I/O but temporary files), `architecture` (our tools on our tree), `contract` (what other
 * programs of the host rely on), `integration` (real libvirt, QEMU and anvil: two files at a time, after all others), and
 * `alone`, the few of the latter that want the machine for themselves.
 * One kind alone: `npx vitest run --project unit`. What runs them in CI adds its reporters by flags.
 */
export default defineConfig({
  test: {
    teardownTimeout: 60_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 } },
      {
        test: {
          name: 'architecture',
          include: ['test/architecture/**/*.test.ts'],
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shipped,
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          // These build what ships, start processes by the dozen and boot machines: one file at a time, after all others.
          exclude: ['test/contract/commands/**'],
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/{integration,contract/commands,demo}/**/*.test.ts'],
          exclude: [...alone],
          ...realParts,
          // Each file has a libvirt and a chain of its own, and mostly waits for guests: two share two cores well.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'alone',
          include: [...alone],
          ...realParts,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});

import { defineConfig } from 'vitest/config';

/**
 * Four kinds of tests: `unit` (no I/O but temporary files), `architecture` (our tools on our tree), `contract` (what other
 * programs of the host rely on), `integration` (real libvirt, QEMU and anvil: one file at a time, after all others).
 * One kind alone: `npx vitest run --project unit`. What runs them in CI adds its reporters by flags.
 */
export default defineConfig({
  test: {
    teardownTimeout: 60_000,
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
          include: ['test/integration/**/*.test.ts', 'test/contract/commands/**/*.test.ts', 'test/demo/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

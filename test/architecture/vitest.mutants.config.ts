import { defineConfig } from 'vitest/config';

/** What `npm run mutants` judges the pure core by: the tests of the core alone, so that each mutant costs little. */
export default defineConfig({
  test: {
    include: ['test/unit/domain/**/*.test.ts'],
    testTimeout: 20_000,
    // Enough to see every row, few enough for a thousand mutants.
    env: { DECIDE_RUNS: '800' },
  },
});

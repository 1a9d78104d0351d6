import { defineConfig } from 'vitest/config';

/**
 * What `npm run mutants` judges the pure core by: the tests that say by hand what must happen, so that each mutant costs
 * little. The decision's properties and the lifecycle tests are left out: they take seconds each, and a mutant that the
 * tables miss they rarely find, so the score is a lower bound.
 */
export default defineConfig({
  test: {
    include: ['test/unit/domain/**/*.test.ts', 'test/architecture/state-diagram.test.ts'],
    exclude: ['test/unit/domain/decide.property.test.ts'],
    testTimeout: 20_000,
    // Enough to see every event, few enough for two thousand mutants.
    env: { JOURNAL_RUNS: '150' },
  },
});

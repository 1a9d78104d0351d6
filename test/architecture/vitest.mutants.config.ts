import { defineConfig } from 'vitest/config';

/** What `npm run mutants` judges the pure core by: the tests of the core alone, so that each mutant costs little. */
export default defineConfig({
  test: {
    // The lifecycle tests say what must happen, the properties only what must not, the diagram where each row leads.
    include: [
      'test/unit/domain/**/*.test.ts',
      'test/unit/operations/lifecycle.test.ts',
      'test/architecture/state-diagram.test.ts',
    ],
    testTimeout: 20_000,
    // Enough to see every row and every event, few enough for a thousand mutants.
    env: { DECIDE_RUNS: '800', JOURNAL_RUNS: '150' },
  },
});

import { defineConfig } from 'vitest/config';

/** What `npm run mutants` judges the pure core by: the tests of the core alone, so that each mutant costs little. */
export default defineConfig({ test: { include: ['test/unit/domain/**/*.test.ts'], testTimeout: 20_000 } });

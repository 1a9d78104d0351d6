import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LONG } from '../lab/longest-first.ts';

it('the long files of tests, which start first, are there', () => {
  expect(LONG.filter((path) => !existsSync(path))).toEqual([]);
  expect(new Set(LONG).size).toBe(LONG.length);
});

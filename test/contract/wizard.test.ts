import { execa } from 'execa';
import { expect, it } from 'vitest';

it('satisfies the tests of the installer’s page, in Python', { timeout: 170_000 }, async () => {
  const argv = ['-B', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test/python/wizard'];
  const { exitCode, all } = await execa('/usr/bin/python3', argv, { reject: false, all: true, stdin: 'ignore' });
  expect(exitCode, all).toBe(0);
});

import { execa } from 'execa';
import { expect, it } from 'vitest';
import { repositoryPath } from '../lab/repository.ts';

it("the root agent's actions do what they are called for and nothing else, whoever asks", async () => {
  const tests = repositoryPath('test/python/root_agent_actions');
  const { all, exitCode } = await execa('/usr/bin/python3', ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', tests], {
    all: true,
    reject: false,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  });
  expect(exitCode, all).toBe(0);
  expect(all).toMatch(/^\d{3} passed/m);
}, 180_000);

import { describe, expect, it } from 'vitest';
import { lastWords } from '../../../src/daemon/ended.ts';
import { ConfigError, HypervisorError, LockBusyError } from '../../../src/domain/errors.ts';
import { createLog } from '../../../src/drivers/log/create-log.ts';

const lineOf = (error: unknown): Record<string, unknown> => {
  const lines: string[] = [];
  createLog({ destination: { write: (line) => lines.push(line) } }).error(lastWords(error), 'ended');
  expect(lines).toHaveLength(1);
  const { time: _, ...rest } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  return rest;
};

describe('the last line of a daemon that could not go on', () => {
  it.each([
    [
      'a configuration',
      new ConfigError('rpc is empty', { code: 'CONFIG_INVALID', retryable: false, hint: 'name an endpoint' }),
      { what: 'rpc is empty', code: 'CONFIG_INVALID', todo: 'name an endpoint' },
    ],
    [
      'a second daemon',
      new LockBusyError('daemon.lock is held', { code: 'lock-busy', retryable: true, hint: '`lslocks`' }),
      { what: 'another daemon is running', code: 'lock-busy', todo: '`lslocks`' },
    ],
    [
      'something without a hint, with a cause of its own',
      new HypervisorError('no libvirt', {
        code: 'libvirt-unreachable',
        retryable: true,
        cause: new Error('ECONNREFUSED'),
      }),
      { what: 'no libvirt', code: 'libvirt-unreachable' },
    ],
  ])('says of %s one sentence, its hint and its code, and shows no stack', (_, error, said) => {
    expect(lineOf(error)).toEqual({ level: 'error', msg: 'ended', ...said });
  });

  it('keeps the stack of a defect', () => {
    const line = lineOf(new TypeError('x is not a function'));
    expect(line).toMatchObject({ what: 'x is not a function', msg: 'ended' });
    expect(JSON.stringify(line.err)).toContain('ended.test.ts');
  });
});

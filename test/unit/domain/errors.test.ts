import { describe, expect, it } from 'vitest';
import { BlockhostError, explain, LockBusyError } from '../../../src/domain/errors.ts';

describe('an error of ours', () => {
  it('carries its code, whether time can cure it, what to do, and where it came from', () => {
    const cause = new Error('EAGAIN');
    const error = new LockBusyError('locked', { code: 'lock-busy', retryable: true, hint: 'wait', cause });
    expect(error).toBeInstanceOf(BlockhostError);
    expect(error).toMatchObject({
      name: 'LockBusyError',
      message: 'locked',
      code: 'lock-busy',
      retryable: true,
      hint: 'wait',
      cause,
    });
  });

  it('has no cause where none was given', () => {
    expect('cause' in new BlockhostError('full', { code: 'disk-full', retryable: false })).toBe(false);
  });

  it('is explained in one line, with what to do where that is known', () => {
    const facts = { code: 'disk-full', retryable: true };
    expect(explain(new BlockhostError('no space left', { ...facts, hint: 'free some' }))).toBe(
      'no space left; free some',
    );
    expect(explain(new BlockhostError('no space left', facts))).toBe('no space left');
  });

  it('is explained though it is none of ours, or no error at all', () => {
    expect(explain(new TypeError('undefined is not a function'))).toBe('undefined is not a function');
    expect(explain('thrown text')).toBe('thrown text');
  });
});

import { describe, expect, it } from 'vitest';
import { describeKeys } from '../../../src/config/provisioner-schema.ts';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';

describe('describeKeys', () => {
  const keys = describeKeys();

  it('says of every key what it means', () => {
    expect(keys.filter(({ means }) => means === '')).toEqual([]);
    expect(new Set(keys.map(({ key }) => key)).size).toBe(keys.length);
  });

  it('covers every setting of the policy, so that none is left without a key', () => {
    const snake = (name: string): string =>
      name.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const wanted = Object.keys(DEFAULT_POLICY).filter((name) => name !== 'version' && name !== 'breaker');
    const found = keys.map(({ key }) => key);
    for (const name of wanted) expect(found).toContain(`policy.${snake(name)}`);
    expect(found).toContain('breaker.destroy.window');
    expect(found).toContain('rpc[].web_socket');
  });
});

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { encryptForUser } from '../../../../src/drivers/signer/user-encrypted.ts';

const script = fileURLToPath(new URL('../../../python/user_encrypted.py', import.meta.url));

const inPython = (jobs: readonly object[]): string[] => {
  const input = jobs.map((job) => `${JSON.stringify(job)}\n`).join('');
  const { status, stdout, stderr } = spawnSync('python3', [script], { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
};

const signatures = [65, 1, 64, 135, 136, 137, 300].map((length) => `0x${randomBytes(length).toString('hex')}`);
const details = { hostname: '2001:db8::1f', port: 22, username: 'user' };

describe('connection details', () => {
  it('are what another implementation makes of the same signature, nonce and text', () => {
    const nonce = '000102030405060708090a0b';
    const signature = `0x${'5a'.repeat(65)}`;
    const text = '{"hostname":"2001:db8::1f","port":22,"username":"user"}';
    const ours = encryptForUser(details, signature, Buffer.from(nonce, 'hex'));
    expect(inPython([{ signature, nonce, text }])).toEqual([ours]);
    expect(ours).toHaveLength(2 + 2 * (12 + text.length + 16));
  });

  it('can be opened by another implementation, for signatures of every length', () => {
    const sealed = signatures.map((signature) => ({ signature, sealed: encryptForUser(details, signature) }));
    for (const text of inPython(sealed)) expect(JSON.parse(text)).toEqual(details);
  });

  it('are sealed anew each time', () => {
    const [signature = ''] = signatures;
    expect(encryptForUser(details, signature)).not.toBe(encryptForUser(details, signature));
  });

  it.each(['', '0x', '0xabc', 'abcd', '0xzz', `0x${'00'.repeat(5000)}`])('are not sealed under %j', (signature) => {
    expect(() => encryptForUser(details, signature)).toThrow(/not hexadecimal/);
  });
});

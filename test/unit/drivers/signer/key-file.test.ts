import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { encryptKeystoreJsonSync } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readKey, readKeyAddress } from '../../../../src/drivers/signer/key-file.ts';
import { createModelLog } from '../../../models/model-log.ts';

/** The first key of the well-known test mnemonic. */
const key = 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const account = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266';
const keystore = encryptKeystoreJsonSync({ address: account, privateKey: `0x${key}` }, 'correct horse', {
  scrypt: { N: 2 },
});

let dir: string;
const file = async (name: string, text: string, mode = 0o640): Promise<string> => {
  const path = join(dir, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'key-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('a key file', () => {
  it.each([key, `0x${key}`, `${key.toUpperCase()}\n`, `  0x${key}\r\n`])(
    'holds raw hexadecimal digits',
    async (text) => {
      const log = createModelLog();
      const wallet = await readKey({ keyFile: await file('k', text) }, log);
      expect(wallet.address.toLowerCase()).toBe(account);
      expect(log.lines).toEqual([]);
    },
  );

  it('or a keystore, opened with the first line of a password file', async () => {
    const place = { keyFile: await file('k.json', keystore), passwordFile: await file('p', 'correct horse\nsecond\n') };
    expect((await readKey(place, createModelLog())).address.toLowerCase()).toBe(account);
  });

  it('of the keystore kind says whose it is without its password', async () => {
    expect(await readKeyAddress({ keyFile: await file('k.json', keystore) }, createModelLog())).toBe(account);
    expect(await readKeyAddress({ keyFile: await file('k', key) }, createModelLog())).toBe(account);
  });

  it('that everybody can read is used with a warning', async () => {
    const log = createModelLog();
    await readKey({ keyFile: await file('k', key, 0o644) }, log);
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { mode: '644' } }]);
  });

  it('that cannot be used is named, and nothing of what is in it is repeated', async () => {
    const almost = `${key}0`;
    const places = [
      { keyFile: await file('a', almost) },
      { keyFile: await file('b', 'ff'.repeat(32)) },
      { keyFile: await file('c', keystore) },
      { keyFile: await file('d', keystore), passwordFile: await file('wrong', 'battery staple') },
      { keyFile: await file('e', '{"crypto": "battery staple"}'), passwordFile: join(dir, 'wrong') },
      { keyFile: join(dir, 'none') },
      { keyFile: dir },
    ];
    for (const place of places) {
      const error = await readKey(place, createModelLog()).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      const told = inspect(error, { depth: 9 });
      expect(told).toContain(place.keyFile);
      for (const secret of [key.slice(0, 12), 'ffffffffffff', 'battery', 'staple']) expect(told).not.toContain(secret);
    }
  });
});

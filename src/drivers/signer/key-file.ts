import { readFile, stat } from 'node:fs/promises';
import { Wallet } from 'ethers';
import * as z from 'zod';
import { MintError } from '../../domain/errors.ts';
import type { Address } from '../../domain/identity.ts';
import type { Log } from '../../ports/log.ts';

export interface KeyPlace {
  /** 64 hexadecimal digits with or without `0x`, or an encrypted keystore. */
  readonly keyFile: string;
  /** The keystore's password, on its first line. */
  readonly passwordFile?: string;
}

const RAW_KEY = /^(?:0x)?[0-9a-f]{64}$/i;
const LARGEST_BYTES = 64 * 1024;
const keystoreSchema = z.looseObject({ address: z.string().optional() });
const addressPattern = /^(?:0x)?[0-9a-f]{40}$/i;

/**
 * The wallet of a key file. Throws `MintError` that names the file and never what is in it; an error of the library is not
 * passed on as a cause, for it may quote what it was given.
 */
export const readKey = async (place: KeyPlace, log: Log): Promise<Wallet> => {
  const text = await readSecret(place.keyFile, log);
  if (RAW_KEY.test(text)) return walletOf(text, place.keyFile);
  requireKeystore(text, place.keyFile);
  if (place.passwordFile === undefined) {
    throw unusable(place.keyFile, 'is an encrypted keystore and no password file is configured');
  }
  const password = (await readSecret(place.passwordFile, log)).split(/\r?\n/)[0] ?? '';
  try {
    const wallet = await Wallet.fromEncryptedJson(text, password);
    return new Wallet(wallet.privateKey);
  } catch {
    throw unusable(place.keyFile, `does not open with the password in ${place.passwordFile}`);
  }
};

/** Whose key it is; a keystore says so without its password. */
export const readKeyAddress = async (place: KeyPlace, log: Log): Promise<Address> => {
  const text = await readSecret(place.keyFile, log);
  if (!RAW_KEY.test(text)) {
    const { address = '' } = requireKeystore(text, place.keyFile);
    if (addressPattern.test(address)) return `0x${address.replace(/^0x/i, '').toLowerCase()}`;
  }
  return addressOf(await readKey(place, log));
};

export const addressOf = (wallet: Wallet): Address => wallet.address.toLowerCase() as Address;

const walletOf = (text: string, file: string): Wallet => {
  try {
    return new Wallet(text.startsWith('0x') ? text : `0x${text}`);
  } catch {
    throw unusable(file, 'is no key of that curve');
  }
};

const requireKeystore = (text: string, file: string): z.infer<typeof keystoreSchema> => {
  try {
    return keystoreSchema.parse(JSON.parse(text));
  } catch {
    throw unusable(file, 'is neither 64 hexadecimal digits nor a keystore');
  }
};

const readSecret = async (path: string, log: Log): Promise<string> => {
  try {
    const facts = await stat(path);
    if (!facts.isFile() || facts.size > LARGEST_BYTES) throw new Error('no small file');
    if ((facts.mode & 0o007) !== 0) {
      log.warn({ path, mode: (facts.mode & 0o777).toString(8) }, 'a secret can be read by everybody on this host');
    }
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'it is no small file';
    throw unusable(path, `cannot be read (${code})`);
  }
};

const unusable = (path: string, what: string): MintError =>
  new MintError(`${path} ${what}`, {
    code: 'key-file',
    retryable: false,
    hint: 'see mint.key_file and mint.password_file in provisioner.yaml',
  });

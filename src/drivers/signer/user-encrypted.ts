import { createCipheriv, randomBytes } from 'node:crypto';
import { getBytes, keccak256 } from 'ethers';
import { MintError } from '../../domain/errors.ts';

/** How to reach a machine, for its owner's eyes. */
export interface ConnectionDetails {
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
}

const SIGNATURE = /^0x(?:[0-9a-f]{2}){1,4096}$/i;

/**
 * Connection details that only whoever can make this signature again can read: AES-256-GCM under keccak256 of the
 * signature's bytes, as `0x` + hex(nonce 12 ‖ ciphertext ‖ tag 16). Throws `MintError` where the signature is no hex.
 */
export const encryptForUser = (
  { hostname, port, username }: ConnectionDetails,
  signature: string,
  nonce: Uint8Array = randomBytes(12),
): `0x${string}` => {
  if (!SIGNATURE.test(signature)) {
    const hint = 'give it as 0x and hexadecimal digits, two for each byte';
    throw new MintError('the signature is not hexadecimal', { code: 'signature', retryable: false, hint });
  }
  const cipher = createCipheriv('aes-256-gcm', getBytes(keccak256(getBytes(signature))), nonce);
  const body = Buffer.concat([cipher.update(JSON.stringify({ hostname, port, username }), 'utf8'), cipher.final()]);
  return `0x${Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('hex')}`;
};

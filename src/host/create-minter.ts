import { address } from '../config/leaves.ts';
import { MintError } from '../domain/errors.ts';
import type { Minter } from '../ports/minter.ts';
import { type CredentialsOptions, openCredentials } from './open-credentials.ts';

/** The minter of a create. Configuration, key and node are looked at when something is minted, not before. */
export const createMinter = (options: CredentialsOptions): Minter => ({
  mint: async ({ owner, machineId, userEncrypted = '0x' }) => {
    const wallet = address.safeParse(owner);
    if (!wallet.success) {
      const hint = 'this chain wants 0x and 40 hexadecimal digits';
      throw new MintError(`${owner} is no wallet that a token can be minted to`, {
        code: 'wallet',
        retryable: false,
        hint,
      });
    }
    const credentials = await openCredentials(options);
    const { tokenId } = await credentials.mint({
      machineId,
      owner: wallet.data,
      userEncrypted: userEncrypted as `0x${string}`,
      publicSecret: '',
      expiresAtUnix: 0n,
    });
    return tokenId;
  },
  seal: async (details, userSignature) => {
    const { encryptForUser } = await import('../drivers/signer/user-encrypted.ts');
    return encryptForUser(details, userSignature);
  },
});

import type { Address } from '../domain/identity.ts';
import type { Credentials } from '../ports/credentials.ts';
import { type MinterOptions, openMinter } from './open-minter.ts';

/** Credentials of new machines, signed with this host's key; nothing of it is loaded before it is asked for. */
export const openCredentials = (options: MinterOptions): Credentials => ({
  mint: async ({ owner, machineId, userEncrypted = '0x' }) => {
    const minter = await openMinter(options);
    const { tokenId } = await minter.mint({
      machineId,
      owner: owner.toLowerCase() as Address,
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

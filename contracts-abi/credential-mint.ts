/** Minting a credential, and how it fails: both forms of the contract. */
const inCommon = [
  {
    type: 'event',
    name: 'Transfer',
    inputs: [
      { name: 'from', type: 'address', indexed: true },
      { name: 'to', type: 'address', indexed: true },
      { name: 'tokenId', type: 'uint256', indexed: true },
    ],
  },
  { type: 'error', name: 'OwnableUnauthorizedAccount', inputs: [{ name: 'account', type: 'address' }] },
  { type: 'error', name: 'ERC721InvalidReceiver', inputs: [{ name: 'receiver', type: 'address' }] },
] as const;

export const credentialMintAbi = [
  ...inCommon,
  {
    type: 'function',
    name: 'mint',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'to', type: 'address' },
      { name: 'userEncrypted', type: 'bytes' },
    ],
    outputs: [{ name: 'tokenId', type: 'uint256' }],
  },
] as const;

/** The older form: the token shows a page of its own and knows when it ends (0 = never). */
export const legacyCredentialMintAbi = [
  ...inCommon,
  {
    type: 'function',
    name: 'mint',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'to', type: 'address' },
      { name: 'userEncrypted', type: 'bytes' },
      { name: 'decryptMessage', type: 'string' },
      { name: 'description', type: 'string' },
      { name: 'imageUri', type: 'string' },
      { name: 'animationUrl', type: 'string' },
      { name: 'expiresAt', type: 'uint256' },
    ],
    outputs: [{ name: 'tokenId', type: 'uint256' }],
  },
] as const;

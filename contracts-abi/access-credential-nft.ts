/**
 * The older credential contract, which keeps an expiry in the NFT itself (0 = never expires).
 * It was deployed with two shapes of `getAccessData`: the older one has `serverEncrypted` in front. Both have the same
 * selector; the first word of an answer (the offset of its first dynamic member) tells them apart.
 */
export const accessCredentialNftAbi = [
  {
    type: 'event',
    name: 'Transfer',
    inputs: [
      { name: 'from', type: 'address', indexed: true },
      { name: 'to', type: 'address', indexed: true },
      { name: 'tokenId', type: 'uint256', indexed: true },
    ],
  },
  {
    type: 'event',
    name: 'CredentialUpdated',
    inputs: [{ name: 'tokenId', type: 'uint256', indexed: true }],
  },
  {
    type: 'function',
    name: 'getAccessData',
    stateMutability: 'view',
    inputs: [{ name: 'tokenId', type: 'uint256' }],
    outputs: [
      { name: 'userEncrypted', type: 'bytes' },
      { name: 'decryptMessage', type: 'string' },
      { name: 'issuedAt', type: 'uint256' },
      { name: 'expiresAt', type: 'uint256' },
    ],
  },
  {
    type: 'function',
    name: 'updateExpiration',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'tokenId', type: 'uint256' },
      { name: 'newExpiration', type: 'uint256' },
    ],
    outputs: [],
  },
] as const;

/** `getAccessData` of the older deployments. */
export const accessCredentialNftV0Abi = [
  {
    type: 'function',
    name: 'getAccessData',
    stateMutability: 'view',
    inputs: [{ name: 'tokenId', type: 'uint256' }],
    outputs: [
      { name: 'serverEncrypted', type: 'bytes' },
      { name: 'userEncrypted', type: 'bytes' },
      { name: 'decryptMessage', type: 'string' },
      { name: 'issuedAt', type: 'uint256' },
      { name: 'expiresAt', type: 'uint256' },
    ],
  },
] as const;

/** ERC-5643, subscription NFTs: an `expiration` of 0 means cancelled. */
export const erc5643Abi = [
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
    name: 'SubscriptionUpdate',
    inputs: [
      { name: 'tokenId', type: 'uint256', indexed: true },
      { name: 'expiration', type: 'uint64', indexed: false },
    ],
  },
  {
    type: 'function',
    name: 'expiresAt',
    stateMutability: 'view',
    inputs: [{ name: 'tokenId', type: 'uint256' }],
    outputs: [{ name: '', type: 'uint64' }],
  },
] as const;

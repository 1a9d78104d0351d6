/** BlockhostSubscriptions: what this program reads of it. Ids start at 1; times are unix seconds. */
export const blockhostSubscriptionsAbi = [
  {
    type: 'event',
    name: 'SubscriptionCreated',
    inputs: [
      { name: 'subscriptionId', type: 'uint256', indexed: true },
      { name: 'planId', type: 'uint256', indexed: true },
      { name: 'subscriber', type: 'address', indexed: true },
      { name: 'expiresAt', type: 'uint256', indexed: false },
      { name: 'paidAmount', type: 'uint256', indexed: false },
      { name: 'paymentToken', type: 'address', indexed: false },
      { name: 'userEncrypted', type: 'bytes', indexed: false },
    ],
  },
  {
    type: 'event',
    name: 'SubscriptionExtended',
    inputs: [
      { name: 'subscriptionId', type: 'uint256', indexed: true },
      { name: 'planId', type: 'uint256', indexed: true },
      { name: 'extendedBy', type: 'address', indexed: true },
      { name: 'newExpiresAt', type: 'uint256', indexed: false },
      { name: 'paidAmount', type: 'uint256', indexed: false },
      { name: 'paymentToken', type: 'address', indexed: false },
    ],
  },
  {
    type: 'event',
    name: 'SubscriptionCancelled',
    inputs: [
      { name: 'subscriptionId', type: 'uint256', indexed: true },
      { name: 'planId', type: 'uint256', indexed: true },
      { name: 'subscriber', type: 'address', indexed: true },
    ],
  },
  {
    type: 'function',
    name: 'getSubscription',
    stateMutability: 'view',
    inputs: [{ name: 'subscriptionId', type: 'uint256' }],
    outputs: [
      { name: 'planId', type: 'uint256' },
      { name: 'subscriber', type: 'address' },
      { name: 'expiresAt', type: 'uint256' },
      { name: 'isActive', type: 'bool' },
      { name: 'cancelled', type: 'bool' },
    ],
  },
  {
    type: 'function',
    name: 'nextSubscriptionId',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'uint256' }],
  },
] as const;

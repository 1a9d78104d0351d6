import { keccak256 } from 'viem';

/**
 * Whether a header's bloom filter can hold this value: three bits of 2048, chosen by the low 11 bits of the first three
 * 16-bit words of its hash (yellow paper, 4.3.1). False is certain on chains that fill the bloom; true may be chance.
 */
export const bloomMayHold = (bloom: string, value: `0x${string}`): boolean => {
  const hash = keccak256(value);
  return [2, 6, 10].every((at) => {
    const bit = Number.parseInt(hash.slice(at, at + 4), 16) & 0x7ff;
    const nibble = Number.parseInt(bloom.charAt(2 + 511 - (bit >> 2)), 16);
    return (nibble & (1 << (bit & 3))) !== 0;
  });
};

/** Whether it can hold a log of one of these contracts with one of these topics. */
export const bloomMayHoldLog = (
  bloom: string,
  addresses: readonly `0x${string}`[],
  topics: readonly `0x${string}`[],
): boolean =>
  addresses.some((address) => bloomMayHold(bloom, address)) && topics.some((topic) => bloomMayHold(bloom, topic));

import { networkInterfaces } from 'node:os';

/** The host's own addresses now. */
export const hostAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));

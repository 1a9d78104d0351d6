import { randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { Minter } from '../ports/minter.ts';
import type { Seeds } from '../ports/seeds.ts';
import { noMinter, noSeeds } from './placeholders.ts';

/** What a create has beside what every operation has. */
export interface CreateParts {
  readonly seeds: Seeds;
  readonly minter: Minter;
  /** The host's own addresses now. */
  readonly hostAddresses: () => readonly string[];
  readonly newUuid: () => string;
}

export const createParts = (): CreateParts => ({
  seeds: noSeeds,
  minter: noMinter,
  hostAddresses: () =>
    Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address)),
  newUuid: randomUUID,
});

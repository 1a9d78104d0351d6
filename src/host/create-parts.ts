import { randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { Minter } from '../ports/minter.ts';
import type { Seeds } from '../ports/seeds.ts';
import { createMinter } from './create-minter.ts';
import { createSeeds } from './create-seeds.ts';
import type { CredentialsOptions } from './open-credentials.ts';

/** What a create has beside what every operation has. */
export interface CreateParts {
  readonly seeds: Seeds;
  readonly minter: Minter;
  /** The host's own addresses now. */
  readonly hostAddresses: () => readonly string[];
  readonly newUuid: () => string;
}

export const createParts = (options: CredentialsOptions): CreateParts => ({
  seeds: createSeeds(options.config),
  minter: createMinter(options),
  hostAddresses: () =>
    Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address)),
  newUuid: randomUUID,
});

import { randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { Credentials } from '../ports/credentials.ts';
import type { Seeds } from '../ports/seeds.ts';
import { openCredentials } from './open-credentials.ts';
import type { MinterOptions } from './open-minter.ts';
import { openSeeds } from './open-seeds.ts';

/** What a create has beside what every operation has. */
export interface CreateParts {
  readonly seeds: Seeds;
  readonly credentials: Credentials;
  /** The host's own addresses now. */
  readonly hostAddresses: () => readonly string[];
  readonly newUuid: () => string;
}

export const createParts = (options: MinterOptions): CreateParts => ({
  seeds: openSeeds(options.config),
  credentials: openCredentials(options),
  hostAddresses: () =>
    Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address)),
  newUuid: randomUUID,
});

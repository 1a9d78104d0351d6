import { randomUUID } from 'node:crypto';
import type { Minter } from '../ports/minter.ts';
import { createMinter } from './create-minter.ts';
import type { CredentialsOptions } from './open-credentials.ts';

/** What a create has beside what every operation has. */
export interface CreateParts {
  readonly minter: Minter;
  readonly newUuid: () => string;
}

export const createParts = (options: CredentialsOptions): CreateParts => ({
  minter: createMinter(options),
  newUuid: randomUUID,
});

import { parseCreateRequest } from '../domain/create-request.ts';
import { createParts } from '../host/create-parts.ts';
import { createMachine } from '../operations/create/create.ts';
import { CREATE_PATIENCE } from '../operations/create/create-deps.ts';
import { type CreateMissing, createMissing } from '../operations/create-missing.ts';
import type { Opened } from './opened.ts';

/** The subscription was just read: where it is not found any more, nothing is made of another class. */
const PATIENCE = { ...CREATE_PATIENCE, noneMs: Number.POSITIVE_INFINITY };

/** Makes what is paid for and missing as `create` does it, in the default size, and mints its credential (D13). */
export const missingOn = ({ config, paths, host, clock, log, stop }: Opened): CreateMissing =>
  createMissing({
    clock,
    policy: config.policy,
    log,
    createdByEngine: config.createdByEngine,
    create: async ({ vmName: name, owner }) => {
      const raw = { name, ownerWallet: owner, apply: true };
      const request = parseCreateRequest(raw, { expiryDays: config.defaultExpiryDays, engineMints: false });
      const parts = createParts({ config, paths, clock, log });
      const tell = (line: string): void => log.info({ vm: name }, line);
      await createMachine({ ...host.deps, ...parts, patience: PATIENCE, tell, by: 'the daemon', stop }, request);
    },
  });

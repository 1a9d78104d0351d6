import { randomUUID } from 'node:crypto';
import type { CreateDeps } from '../../src/operations/create/create-deps.ts';

/** What a create is given in a process that is to be killed: nothing that waits, and nobody who listens. */
export const crashParts = (): Pick<
  CreateDeps,
  'pools' | 'hostAddresses' | 'newUuid' | 'patience' | 'tell' | 'by' | 'stop'
> => ({
  pools: {
    ipv4: { start: '192.168.122.2', end: '192.168.122.254', gateway: '192.168.122.1' },
    ipv6: { prefix: '2001:db8::/120', start: 2, end: 254 },
  },
  hostAddresses: () => [],
  newUuid: randomUUID,
  patience: { chainMs: 0, noneMs: 0, agentMs: 1000 },
  tell: () => undefined,
  by: 'tester',
  stop: new AbortController().signal,
});

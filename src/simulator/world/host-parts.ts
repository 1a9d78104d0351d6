import type { AddressPools } from '../../domain/allocation.ts';
import type { Seeds } from '../../ports/seeds.ts';

export const POOLS: AddressPools = {
  ipv4: { start: '10.0.0.2', end: '10.0.3.254', gateway: '10.0.0.1' },
  ipv6: { prefix: '2001:db8::/112', start: 2, end: 2000 },
};

/** What a guest is told at its first start, in a word. */
export const SEEDS: Seeds = {
  missing: async () => [],
  render: async ({ uuid, ipv4, wallet }) => ({
    userData: `#cloud-config ${wallet}`,
    metaData: `instance-id: ${uuid}`,
    networkConfig: ipv4,
  }),
  network: ({ ipv4, ipv6 }) => `${ipv4} ${ipv6}`.trim(),
};

/** Calls that change something outside the process that makes them. */
export const EFFECTS = {
  hypervisor: [
    ...['start', 'resumePaused', 'requestShutdown', 'powerOff', 'save', 'dropSavedImage', 'define', 'undefine'],
    ...['writeMetadata', 'setLink', 'limit'],
  ],
  agent: ['exec', 'capture'],
  builder: ['makeDisk', 'removeDisk', 'makeSeed', 'removeSeed', 'renewNetwork'],
  quarantine: ['keep', 'moveIn', 'moveOut', 'purge', 'forget'],
  records: ['register', 'unregister', 'noteMinted', 'restore', 'patch', 'claimAddresses', 'releaseAddresses'],
  hostRoutes: ['add', 'remove'],
  minter: ['mint'],
} as const;

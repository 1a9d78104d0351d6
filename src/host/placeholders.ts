import { BlockhostError } from '../domain/errors.ts';
import type { MachineBuilder } from '../ports/machine-builder.ts';

/** What stands where a driver is not joined to the host yet: it says so, and changes nothing. */
const notHere = (what: string) => (): never => {
  throw new BlockhostError(`this host cannot ${what} yet`, { code: 'not-here', retryable: false });
};
const refuse = (what: string) => async (): Promise<never> => notHere(what)();

export const noBuilder: MachineBuilder = {
  missing: async () => ['this host cannot build machines yet'],
  capacity: refuse('tell what it has'),
  currentBase: async () => 'absent',
  verifyBase: refuse('verify a base'),
  placesOf: (name) => ({
    disk: `/nowhere/${name}`,
    seedDirectory: `/nowhere/${name}.d`,
    seed: `/nowhere/${name}.d/seed`,
  }),
  occupied: async () => [],
  makeDisk: refuse('make disks'),
  removeDisk: refuse('remove disks'),
  makeSeed: refuse('make seeds'),
  removeSeed: refuse('remove seeds'),
  definitionOf: notHere('define machines'),
};

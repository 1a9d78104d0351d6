import type { SeedMachine } from './seed-request.ts';

/**
 * The meta-data. The instance id is the domain's UUID: it is another one for every machine, also for the next of the same
 * name, and stays with a machine for ever, so that a guest runs its first boot exactly once.
 */
export const metaDataOf = ({ uuid, name }: SeedMachine): string => `instance-id: ${uuid}\nlocal-hostname: ${name}\n`;

import { metaDataOf } from './meta-data.ts';
import { networkConfigOf } from './network-config.ts';
import { checkSeedRequest, type SeedRequest } from './seed-request.ts';
import { userDataOf } from './user-data.ts';

/** A NoCloud seed: what `MachineBuilder.makeSeed` takes. */
export interface Seed {
  readonly userData: string;
  readonly metaData: string;
  readonly networkConfig: string;
}

/** The documents of one machine's seed. Throws `BlockhostError` where a value is not fit to land raw in a guest's files. */
export const renderSeed = (request: SeedRequest): Seed => {
  checkSeedRequest(request);
  return {
    userData: userDataOf(request),
    metaData: metaDataOf(request.machine),
    networkConfig: networkConfigOf(request.machine, request.settings),
  };
};

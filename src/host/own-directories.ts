import type { Config } from '../config/load.ts';

/** Where disks and cloud-init of our machines lie, and nobody else's: what `hasFilesOf` and quarantine go by. */
export const ownDirectoriesOf = ({ storagePath, cloudInitDir }: Pick<Config, 'storagePath' | 'cloudInitDir'>) => [
  storagePath,
  cloudInitDir,
];

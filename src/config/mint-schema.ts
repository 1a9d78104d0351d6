import * as z from 'zod';
import { duration } from './duration.ts';
import { absolutePath, gwei, whole } from './leaves.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** `mint:` in provisioner.yaml. */
export const mintSchema = z.strictObject(
  {
    key_file: absolutePath
      .optional()
      .describe("The key that mints: 64 hexadecimal digits or an encrypted keystore (the engine's deployer key)"),
    password_file: absolutePath.optional().describe("A file with the keystore's password on its first line"),
    confirmations: whole(1, 100)
      .optional()
      .describe('Blocks, its own included, that a mint must lie deep before its token counts (2)'),
    stuck_after: duration({ minMs: SECOND, maxMs: 60 * MINUTE })
      .optional()
      .describe('A mint that waits longer is sent again, the same one with a higher fee (1m)'),
    give_up_after: duration({ minMs: SECOND, maxMs: 24 * 60 * MINUTE })
      .optional()
      .describe('How long to wait for a mint; asked again, it waits on for the same one (10m)'),
    max_fee_gwei: gwei.optional().describe('No mint offers more than this for a unit of gas (500)'),
  },
  { error: 'the keys key_file, password_file, confirmations, stuck_after, give_up_after and max_fee_gwei' },
);

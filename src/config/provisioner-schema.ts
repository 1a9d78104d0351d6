import * as z from 'zod';
import { chainSchema, chainShape } from './chain-schema.ts';
import { cloudInitSchema } from './cloud-init-schema.ts';
import { duration } from './duration.ts';
import { whole } from './leaves.ts';
import { mintSchema } from './mint-schema.ts';
import { breakerSchema, policySchema, sharedPolicyShape } from './policy-schema.ts';
import { describedKeys } from './problems.ts';
import { templateSchema } from './template-schema.ts';

const CRON = /^\s*(?:[\d*,/-]+\s+){4}[\d*,/a-z-]+\s*$/i;

/** `/etc/blockhost/provisioner.yaml`: ours alone, so that an unknown key is a mistake (D1). */
export const provisionerSchema = z.strictObject(
  {
    ...sharedPolicyShape,
    entitlement: z
      .enum(['subscription', 'nft'], { error: 'subscription or nft' })
      .optional()
      .describe('What an expiry is read from: subscription (default) or nft (D11)'),
    ...chainShape,
    chains: z
      .array(chainSchema, { error: 'a list of chains; [] for none' })
      .optional()
      .describe('Several chains, each with the keys above; [] says that there is none, whatever the other files say'),
    policy: policySchema.optional().describe('When things are done; no value switches a safety rule off'),
    breaker: breakerSchema.optional().describe('The blast-radius breaker (L10, D28)'),
    libvirt_uri: z
      .string({ error: 'a libvirt URI such as qemu:///system' })
      .regex(/^[a-z+]+:\/\/\S*$/, { error: 'a libvirt URI such as qemu:///system' })
      .optional()
      .describe('Which libvirt is talked to (qemu:///system)'),
    result_sentinel: z
      .boolean({ error: 'true or false' })
      .optional()
      .describe('create prints its answer after BLOCKHOST_RESULT: first, for engines that look for it (false)'),
    sweep_every: duration({ minMs: 1000, maxMs: 3_600_000 })
      .optional()
      .describe('Everything is looked at this often (5m)'),
    nightly_cron: z
      .string({ error: 'five fields such as "0 2 * * *"' })
      .regex(CRON, { error: 'five fields such as "0 2 * * *"' })
      .optional()
      .describe('When the nightly sweep runs (0 2 * * *)'),
    cloud_init: cloudInitSchema.optional().describe('What new guests are told'),
    mint: mintSchema.optional().describe('How credential tokens are minted, where no engine does'),
    template: templateSchema.optional().describe('What blockhost-build-template builds when it is told nothing else'),
    max_parallel_steps: whole(1, 64).optional().describe('How many machines are worked on at once (4) (L2)'),
  },
  { error: 'keys with values' },
);

export type ProvisionerFile = z.infer<typeof provisionerSchema>;

/** Every key of provisioner.yaml, spelled in full, with what it means; the README's table is made of this. */
export const describeKeys = (): readonly { readonly key: string; readonly means: string }[] =>
  describedKeys(provisionerSchema).filter(({ key }) => !key.startsWith('chains[]'));

import * as z from 'zod';
import { duration } from './duration.ts';
import { address, chainId, httpUrl, webSocketUrl, whole } from './leaves.ts';

const endpoint = z.preprocess(
  (value) => (typeof value === 'string' ? { url: value } : value),
  z.strictObject(
    {
      url: httpUrl.describe('JSON-RPC over http(s). What it carries of keys never reaches a log.'),
      web_socket: webSocketUrl.optional().describe('The same node over ws(s); only ever a hint to look.'),
    },
    { error: 'a URL, or the keys url and web_socket' },
  ),
);

const contract = z.strictObject(
  {
    kind: z
      .enum(['subscriptions', 'access-nft', 'erc5643'], { error: 'subscriptions, access-nft or erc5643' })
      .default('subscriptions')
      .describe(
        'Where the contract keeps an expiry (default subscriptions). The two NFT kinds want `entitlement: nft`.',
      ),
    address: address.describe('Its address.'),
    name_prefix: z
      .string({ error: 'lower-case letters, digits and dashes, ending in a letter or a dash, at most 40' })
      .regex(/^[a-z]([a-z0-9-]{0,38}[a-z-])?$/, {
        error: 'lower-case letters, digits and dashes, ending in a letter or a dash, at most 40',
      })
      .optional()
      .describe(
        'Its machines are called prefix + NNN. The first contract has `blockhost-`, the others need their own.',
      ),
  },
  { error: 'the keys kind, address and name_prefix' },
);

const finality = z.preprocess(
  (value) => (typeof value === 'number' ? { depth: value } : value),
  z.union([z.literal('tag'), z.strictObject({ depth: whole(1, 1_000_000) })], {
    error: 'tag, or a number of blocks below the head from 1 to 1000000',
  }),
);

/** The keys of one chain: at the top of provisioner.yaml for the usual single one, or in each entry of `chains`. */
export const chainShape = {
  chain_id: chainId.optional().describe('Which chain it is; an endpoint that says otherwise is not believed (C7).'),
  rpc: z
    .array(endpoint, { error: 'a list of URLs' })
    .min(1, { error: 'at least one URL' })
    .optional()
    .describe('Endpoints, instead of the one that the engine uses. Two make two witnesses (C5).'),
  contracts: z
    .array(contract, { error: 'a list of contracts' })
    .min(1, { error: 'at least one contract' })
    .optional()
    .describe('Contracts whose ids are subscriptions, instead of the one that the engine uses.'),
  credential_nft: address.optional().describe('The NFT that carries the login right (D25).'),
  multicall: address.optional().describe('Where Multicall3 lives, if not at its usual address.'),
  safe: finality
    .optional()
    .describe('The level that a suspension needs: tag (default) or blocks below the head (C13).'),
  finalized: finality
    .optional()
    .describe('The level that a destruction needs: tag (default) or blocks below the head.'),
  poll_every: duration({ minMs: 100, maxMs: 600_000 }).optional().describe('How often the head is looked at (4s).'),
  request_timeout: duration({ minMs: 100, maxMs: 120_000 }).optional().describe('How long one request may take (10s).'),
  max_head_age: duration({ minMs: 1000, maxMs: 86_400_000 })
    .optional()
    .describe('A head older than this means that the chain stands still: unknown (2m) (C7).'),
  cursor_blocks: whole(16, 100_000)
    .optional()
    .describe('Blocks whose hashes are remembered to find a reorg (512) (C2).'),
} as const;

export const chainSchema = z.strictObject(chainShape, { error: 'the keys of a chain' });
export type ChainFile = z.infer<typeof chainSchema>;

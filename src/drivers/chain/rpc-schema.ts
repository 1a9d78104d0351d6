import * as z from 'zod';
import type { CursorBlock } from '../../domain/chain-cursor.ts';
import type { BlockRef } from '../../domain/entitlement.ts';
import { RpcFailure } from './rpc-failure.ts';

const quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,64}$/i)
  .transform((text) => BigInt(text));

const hash = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/i)
  .transform((text) => text.toLowerCase() as `0x${string}`);

const address = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/i)
  .transform((text) => text.toLowerCase() as `0x${string}`);

/** Bytes as hex with an even number of digits. */
export const hexData = z
  .string()
  .regex(/^0x(?:[0-9a-f]{2})*$/i)
  .transform((text) => text.toLowerCase() as `0x${string}`);

export const chainIdAnswer = quantity.pipe(z.bigint().max(BigInt(Number.MAX_SAFE_INTEGER))).transform(Number);

const bloom = z
  .string()
  .regex(/^0x[0-9a-f]{512}$/i)
  .optional()
  .catch(undefined);

/** The members of a block header that are used; a pending block has no number and is refused. */
export const headerAnswer = z
  .object({ number: quantity, hash, parentHash: hash, timestamp: quantity, logsBloom: bloom })
  .transform(({ timestamp, ...rest }) => ({ ...rest, timestampUnix: timestamp }));

export type BlockHeader = z.output<typeof headerAnswer>;

export const logAnswer = z.object({
  address,
  topics: z.array(hash).max(4),
  data: hexData,
  blockNumber: quantity,
  blockHash: hash,
  logIndex: quantity,
  removed: z.boolean().optional(),
});

export type RawLog = z.output<typeof logAnswer>;

export const logsAnswer = z.array(logAnswer);

/** Only what tells whether a log of ours is in a receipt. */
export const receiptsAnswer = z.array(z.object({ logs: logsAnswer }));

/** Parses what an endpoint sent; anything else than the schema's shape is a `garbage` failure that says where. */
export const parseAnswer = <T extends z.ZodType>(schema: T, answer: unknown, what: string): z.output<T> => {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue && issue.path.length > 0 ? ` at ${issue.path.map(String).join('.').slice(0, 40)}` : '';
  const found = answer === null ? 'null' : Array.isArray(answer) ? 'a list' : `a ${typeof answer}`;
  throw new RpcFailure('garbage', `${what}: the answer (${found}) is not of the form that the protocol has${where}`);
};

export const blockRef = ({ number, hash, timestampUnix }: BlockHeader): BlockRef => ({ number, hash, timestampUnix });

export const cursorBlock = ({ number, hash, parentHash }: BlockHeader): CursorBlock => ({ number, hash, parentHash });

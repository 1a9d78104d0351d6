import { FetchRequest, toUtf8String } from 'ethers';
import * as z from 'zod';
import { MintError } from '../../domain/errors.ts';
import type { Address } from '../../domain/identity.ts';

/** A node answered, and what it answered is no. */
export class RpcRefusal extends Error {
  /** What a contract gave as its reason; `0x` where there is none. */
  readonly data: string;

  constructor(message: string, data: string) {
    super(message);
    this.data = data;
  }
}

/** One JSON-RPC call, its answer read by a schema. Rejects with `RpcRefusal`, or `MintError` where there was no answer. */
export type Rpc = <T>(schema: z.ZodType<T>, method: string, params: readonly unknown[]) => Promise<T>;

const answerSchema = z.object({
  result: z.unknown().optional(),
  error: z.object({ message: z.string(), data: z.unknown().optional() }).optional(),
});

export const quantity = z
  .string()
  .regex(/^0x[0-9a-f]+$/i)
  .transform((hex) => BigInt(hex));
export const hexData = z.string().regex(/^0x[0-9a-f]*$/i);

const LARGEST_ANSWER_BYTES = 8 * 1024 * 1024;

/** Calls one endpoint. Its URL may hold a provider's key: no message of ours repeats what the transport says. */
export const createRpc = (url: string, timeoutMs: number): Rpc => {
  let id = 0;
  return async (schema, method, params) => {
    id += 1;
    const parsed = schema.safeParse(await ask(url, timeoutMs, { jsonrpc: '2.0', id, method, params }));
    if (!parsed.success) throw noAnswer(`${method}: the node's answer makes no sense`);
    return parsed.data;
  };
};

const ask = async (
  url: string,
  timeoutMs: number,
  body: { readonly method: string; readonly [key: string]: unknown },
): Promise<unknown> => {
  const request = new FetchRequest(url);
  request.timeout = timeoutMs;
  request.body = JSON.stringify(body);
  request.setHeader('content-type', 'application/json');
  const response = await request.send().catch(() => {
    throw noAnswer(`${body.method}: the node does not answer`);
  });
  const { result, error } = parseBody(response.body, body.method, response.statusCode);
  if (error === undefined) return result;
  const data = typeof error.data === 'string' && /^0x[0-9a-f]*$/i.test(error.data) ? error.data : '0x';
  throw new RpcRefusal(error.message.slice(0, 300), data);
};

const parseBody = (bytes: Uint8Array | null, method: string, status: number): z.infer<typeof answerSchema> => {
  try {
    if (bytes === null || bytes.length > LARGEST_ANSWER_BYTES) throw new Error('size');
    return answerSchema.parse(JSON.parse(toUtf8String(bytes)));
  } catch {
    throw noAnswer(`${method}: the node answered HTTP ${status} and no JSON-RPC`);
  }
};

const noAnswer = (message: string): MintError =>
  new MintError(message, { code: 'rpc-unreachable', retryable: true, hint: 'look at the node, then ask again' });

export interface ExpectedChain {
  readonly chainId: number;
  readonly contract: Address;
  readonly maxHeadAgeMs: number;
}

const headSchema = z.object({ number: quantity, timestamp: quantity, baseFeePerGas: quantity.optional() });
export type Head = z.infer<typeof headSchema>;

export const latestHead = (rpc: Rpc): Promise<Head> => rpc(headSchema, 'eth_getBlockByNumber', ['latest', false]);

/** Throws unless this is the configured chain, alive, with a contract where one is configured (C7). */
export const requireSaneNode = async (rpc: Rpc, wanted: ExpectedChain, nowUnixMs: number): Promise<void> => {
  const [chainId, code, head] = await Promise.all([
    rpc(quantity, 'eth_chainId', []),
    rpc(hexData, 'eth_getCode', [wanted.contract, 'latest']),
    latestHead(rpc),
  ]);
  const insane = (what: string): MintError =>
    new MintError(what, { code: 'wrong-node', retryable: true, hint: 'correct the endpoint or the configuration' });
  if (chainId !== BigInt(wanted.chainId)) throw insane(`the node is on chain ${chainId}, not on ${wanted.chainId}`);
  if (code === '0x') throw insane(`there is no contract at ${wanted.contract} on chain ${wanted.chainId}`);
  const ageMs = nowUnixMs - Number(head.timestamp) * 1000;
  if (ageMs > wanted.maxHeadAgeMs) throw insane(`the node's newest block is ${Math.round(ageMs / 1000)} s old`);
};

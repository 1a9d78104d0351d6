import { http } from 'viem';
import type { Clock } from '../../ports/clock.ts';
import { classifyRpcError, retryAfterOf } from './classify-rpc-error.ts';
import { endpointName } from './endpoint-name.ts';
import { RpcFailure } from './rpc-failure.ts';

/** One JSON-RPC request; resolves with `result` as the server sent it, unchecked. */
export type RpcRequest = (
  request: { readonly method: string; readonly params: readonly unknown[] },
  signal: AbortSignal,
) => Promise<unknown>;

/** Makes the transport of one URL; tests give their own. */
export type Connect = (url: string, timeoutMs: number) => RpcRequest;

/** One endpoint with a deadline and a bound on requests in flight. Rejects with nothing but `RpcFailure`. */
export interface RpcEndpoint {
  readonly name: string;
  request(method: string, params: readonly unknown[]): Promise<unknown>;
}

export interface RpcEndpointDeps {
  readonly index: number;
  readonly url: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly connect?: Connect;
}

const MAX_IN_FLIGHT = 12;
const SETTLED = new Error('the request is settled');
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** viem's HTTP transport without its retries: the pool decides what is asked again, and where (C12). */
export const connectHttp: Connect = (url, timeoutMs) => {
  const { request } = http(url, {
    retryCount: 0,
    timeout: timeoutMs,
    maxResponseBodySize: MAX_ANSWER_BYTES,
    onFetchResponse: refuseTooManyRequests,
  })({});
  return async ({ method, params }, signal) => request({ method, params } as never, { signal });
};

/** A 429 may carry a JSON-RPC error of any code in its body; the status says enough. */
const refuseTooManyRequests = ({ status, headers }: Response): void => {
  if (status !== 429) return;
  const retryAfterMs = retryAfterOf(headers);
  throw new RpcFailure(
    'rate-limited',
    'HTTP 429 too many requests',
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
};

export const createRpcEndpoint = ({ index, url, timeoutMs, clock, connect }: RpcEndpointDeps): RpcEndpoint => {
  const transport = (connect ?? connectHttp)(url, timeoutMs);
  const slots = createSlots(MAX_IN_FLIGHT);

  const request = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    await slots.take();
    // Ends the deadline when there is an answer, and the request when there is none in time.
    const settled = new AbortController();
    const deadline = clock.sleep(timeoutMs, settled.signal).then(() => {
      throw new RpcFailure('timeout', `${method}: no answer within ${timeoutMs} ms`);
    });
    try {
      const result = await Promise.race([transport({ method, params }, settled.signal), deadline]);
      if (result === undefined) throw new RpcFailure('garbage', `${method}: the answer has no result`);
      return result;
    } catch (error) {
      throw classifyRpcError(error, method);
    } finally {
      slots.free();
      // A reason that is made once: each DOMException would cost more than the request's bookkeeping.
      settled.abort(SETTLED);
    }
  };
  return { name: endpointName(index, url), request };
};

const createSlots = (count: number) => {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    take: async (): Promise<void> => {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    free: (): void => {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    },
  };
};

/** What an endpoint answered when it answered with an error. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
}

export type Rpc = <T>(method: string, params?: readonly unknown[]) => Promise<T>;

/** A plain JSON-RPC client over HTTP; the caller vouches for the type of the result. */
export function jsonRpc(url: string, timeoutMs = 10_000): Rpc {
  let id = 0;
  return async <T>(method: string, params: readonly unknown[] = []): Promise<T> => {
    id += 1;
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { result, error } = (await response.json()) as { result: T; error?: { message: string } };
    if (error !== undefined) throw new RpcError(`${method}: ${error.message}`);
    return result;
  };
}

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from './processes.ts';

/** Rewrites the result of one call. */
export type Tamper = (method: string, result: unknown, params: readonly unknown[]) => unknown;

/** One more endpoint in front of the same chain, with faults that can be switched on; the last one switched on holds. */
export interface RpcProxy {
  readonly url: string;
  /** Calls received so far, faulty or not. */
  readonly requests: number;
  readonly byMethod: Readonly<Record<string, number>>;
  /** No faults, and listening on the same port as ever. */
  up(): Promise<void>;
  /** Connections are refused, open ones are cut. */
  down(): Promise<void>;
  /** Takes requests and never answers. */
  hang(): void;
  /** Answers 200 with what is not JSON. */
  garbage(): void;
  /** Answers every request with this HTTP status. */
  status(code: number): void;
  /** Every result is `null`. */
  nullResults(): void;
  /** The head stands still at `blocks` below what it is now. */
  staleHead(blocks: number): Promise<void>;
  wrongChainId(): void;
  tamper(rewrite: Tamper): void;
  stop(): Promise<void>;
}

interface Call {
  readonly id?: unknown;
  readonly method: string;
  readonly params?: readonly unknown[];
}

type Fault = (body: string, response: ServerResponse) => Promise<void> | void;

/** Starts a proxy for JSON-RPC over HTTP in front of `target`; single and batched calls. */
export async function startRpcProxy(target: string): Promise<RpcProxy> {
  const byMethod: Record<string, number> = {};
  let requests = 0;
  const forward = async (body: string): Promise<unknown> => {
    const response = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return response.json();
  };
  const rewriting =
    (rewrite: Tamper): Fault =>
    async (body, response) => {
      const calls: Call | Call[] = JSON.parse(body);
      const replies = await forward(body);
      const one = (reply: Record<string, unknown>): object => {
        const call = Array.isArray(calls) ? calls.find(({ id }) => id === reply.id) : calls;
        if (call === undefined || !('result' in reply)) return reply;
        return { ...reply, result: rewrite(call.method, reply.result, call.params ?? []) };
      };
      sendJson(response, Array.isArray(replies) ? replies.map(one) : one(replies as Record<string, unknown>));
    };
  const passOn: Fault = async (body, response) => sendJson(response, await forward(body));
  let fault: Fault = passOn;

  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    for (const method of methodsIn(body)) {
      requests += 1;
      byMethod[method] = (byMethod[method] ?? 0) + 1;
    }
    try {
      await fault(body, response);
    } catch (error) {
      response.writeHead(502).end(String(error));
    }
  });
  const port = await listen(server, 0);
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });

  return {
    url: `http://127.0.0.1:${port}`,
    get requests() {
      return requests;
    },
    byMethod,
    up: async () => {
      fault = passOn;
      if (!server.listening) await until(`port ${port} is ours again`, () => isTaken(server, port));
    },
    down: close,
    hang: () => {
      fault = () => undefined;
    },
    garbage: () => {
      fault = (_, response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end('<html>not "json"');
    },
    status: (code) => {
      fault = (_, response) => void response.writeHead(code).end('{"error":"as told"}');
    },
    nullResults: () => {
      fault = rewriting(() => null);
    },
    staleHead: async (blocks) => {
      const now = (await forward(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] }))) as {
        result: string;
      };
      fault = staleAt(Number(now.result) - blocks, forward);
    },
    wrongChainId: () => {
      fault = rewriting((method, result) =>
        method === 'eth_chainId' ? '0x1' : method === 'net_version' ? '1' : result,
      );
    },
    tamper: (rewrite) => {
      fault = rewriting(rewrite);
    },
    stop: close,
  };
}

// A node that has stopped to follow: `latest` means its old head, in whatever position of the parameters it comes.
function staleAt(head: number, forward: (body: string) => Promise<unknown>): Fault {
  const hex = `0x${head.toString(16)}`;
  const beyond = (param: unknown): boolean =>
    typeof param === 'string' && /^0x[0-9a-f]{1,12}$/.test(param) && Number(param) > head;
  return async (body, response) => {
    const calls: Call | Call[] = JSON.parse(body);
    const reply = async ({ id, method, params = [] }: Call): Promise<unknown> => {
      if (method === 'eth_blockNumber') return { jsonrpc: '2.0', id, result: hex };
      if (method === 'eth_getBlockByNumber' && beyond(params[0])) return { jsonrpc: '2.0', id, result: null };
      const old = params.map((param) => (param === 'latest' || param === 'pending' ? hex : param));
      return forward(JSON.stringify({ jsonrpc: '2.0', id, method, params: old }));
    };
    sendJson(response, Array.isArray(calls) ? await Promise.all(calls.map(reply)) : await reply(calls));
  };
}

function methodsIn(body: string): string[] {
  try {
    const calls: Call | Call[] = JSON.parse(body);
    return (Array.isArray(calls) ? calls : [calls]).map(({ method }) => method);
  } catch {
    return ['unreadable'];
  }
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** While nobody listened, the port may have gone to a connection of somebody else for a moment. */
const isTaken = (server: Server, port: number): Promise<boolean> =>
  listen(server, port).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') return false;
      throw error;
    },
  );

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

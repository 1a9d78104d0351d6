import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { classifyRpcError } from '../../../../src/drivers/chain/classify-rpc-error.ts';
import { endpointName, redactText } from '../../../../src/drivers/chain/endpoint-name.ts';
import { createRpcEndpoint } from '../../../../src/drivers/chain/rpc-endpoint.ts';
import { RpcFailure } from '../../../../src/drivers/chain/rpc-failure.ts';
import type { Clock } from '../../../../src/ports/clock.ts';

const clock: Clock = {
  nowUnixMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    }),
};

const servers: { close(): void; closeAllConnections(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

type Reply = { status?: number; headers?: Record<string, string>; body: string | 'hang' | 'half' };

/** A real HTTP server, because what viem and fetch make of it is what matters. */
const serve = async (reply: Reply) => {
  const server = createServer((_request, response) => {
    if (reply.body === 'hang') return;
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
    if (reply.body === 'half') response.write('{"jsonrpc":"2.0",');
    else response.end(reply.body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return createRpcEndpoint({ index: 0, url: `http://u:s3cret@127.0.0.1:${port}/key`, timeoutMs: 300, clock });
};

const faultOf = async (reply: Reply) => {
  const endpoint = await serve(reply);
  const error = await endpoint.request('eth_chainId', []).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RpcFailure);
  const failure = error as RpcFailure;
  expect(failure.message).not.toMatch(/s3cret|\/key/);
  return failure;
};

describe('what an endpoint can do wrong, over real HTTP', () => {
  it.each<readonly [string, Reply, string]>([
    ['HTML with status 200', { body: '<html>gateway</html>' }, 'garbage'],
    ['a bare null', { body: 'null' }, 'garbage'],
    ['no result', { body: '{"jsonrpc":"2.0","id":1}' }, 'garbage'],
    ['an empty body', { body: '' }, 'garbage'],
    ['status 500 in text', { status: 500, body: 'oops', headers: { 'content-type': 'text/plain' } }, 'http'],
    ['status 429', { status: 429, body: 'slow down', headers: { 'content-type': 'text/plain' } }, 'rate-limited'],
    [
      'status 429 with a JSON-RPC error of another code',
      { status: 429, body: '{"error":{"code":-32000,"message":"no"}}' },
      'rate-limited',
    ],
    ['limit exceeded as JSON-RPC', { body: '{"error":{"code":-32005,"message":"limit exceeded"}}' }, 'rate-limited'],
    ['an unknown method', { body: '{"error":{"code":-32601,"message":"nope"}}' }, 'unsupported'],
    ['a revert', { body: '{"error":{"code":3,"message":"execution reverted: x","data":"0x"}}' }, 'reverted'],
    ['an unknown block', { body: '{"error":{"code":-32000,"message":"header not found"}}' }, 'missing-block'],
    ['any other error', { body: '{"error":{"code":-32000,"message":"gas"}}' }, 'rpc'],
    ['silence', { body: 'hang' }, 'timeout'],
    ['half an answer and then silence', { body: 'half' }, 'timeout'],
  ])('%s', async (_name, reply, fault) => {
    expect((await faultOf(reply)).fault).toBe(fault);
  });

  it('a refused connection is unreachable', async () => {
    const endpoint = await serve({ body: '{}' });
    servers.pop()?.close();
    await expect(endpoint.request('eth_chainId', [])).rejects.toMatchObject({ fault: 'unreachable' });
  });

  it('Retry-After is read in seconds and bounded (L8)', async () => {
    const reply = { status: 429, body: '', headers: { 'retry-after': '7' } };
    expect((await faultOf(reply)).retryAfterMs).toBe(7000);
    expect((await faultOf({ ...reply, headers: { 'retry-after': '86400' } })).retryAfterMs).toBe(300_000);
    expect((await faultOf({ ...reply, headers: { 'retry-after': 'soon' } })).retryAfterMs).toBeUndefined();
  });

  it('more requests than slots wait for one another and all are answered', async () => {
    const endpoint = await serve({ body: '{"jsonrpc":"2.0","id":1,"result":"0x1"}' });
    const answers = await Promise.all(Array.from({ length: 40 }, () => endpoint.request('eth_chainId', [])));
    expect(new Set(answers)).toEqual(new Set(['0x1']));
  });
});

describe('secrets in URLs (C12)', () => {
  it('are not in the name of an endpoint', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.nat({ max: 9 }), (url, index) => {
        const parsed = new URL(url);
        const name = endpointName(index, url.replace('://', '://alice:hunter2@'));
        expect(name).toBe(`rpc#${index + 1} ${parsed.host}`);
      }),
      { numRuns: 30 },
    );
    expect(endpointName(0, 'not a url')).toBe('rpc#1 (unreadable URL)');
  });

  it('are cut out of foreign texts, which become one short line', () => {
    const text = redactText(
      `failed\nfor https://u:p@host/v2/abc?key=1 with ${'aB3-'.repeat(12)} on 0x${'ab'.repeat(32)}`,
    );
    expect(text).toBe(`failed for <url> with <redacted> on 0x${'ab'.repeat(32)}`);
    expect(redactText('x '.repeat(500)).length).toBeLessThanOrEqual(160);
  });

  it('any thrown thing becomes an RpcFailure', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const failure = classifyRpcError(thrown, 'eth_call');
        expect(failure).toBeInstanceOf(RpcFailure);
        expect(failure.message.startsWith('eth_call')).toBe(true);
      }),
    );
  });
});

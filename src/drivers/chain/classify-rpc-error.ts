import { redactText } from './endpoint-name.ts';
import { RpcFailure, type RpcFault } from './rpc-failure.ts';

const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** Any error of a transport as an `RpcFailure`: by status, JSON-RPC code or, where servers differ, their wording. */
export const classifyRpcError = (error: unknown, method: string): RpcFailure => {
  const own = ownFailure(error);
  if (own) return own;
  const facts = factsOf(error);
  const fault = faultOf(facts);
  const detail = redactText(facts.text);
  const status = facts.status === undefined ? '' : `HTTP ${facts.status} `;
  const retryAfterMs = facts.retryAfterMs;
  return new RpcFailure(fault, `${method}: ${status}${WORDS[fault] ?? ''}${detail ? ` (${detail})` : ''}`.trim(), {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
};

const ownFailure = (error: unknown): RpcFailure | undefined => {
  let current = error;
  for (let depth = 0; depth < 8 && current instanceof Error; depth += 1) {
    if (current instanceof RpcFailure) return current;
    current = current.cause;
  }
  return undefined;
};

const WORDS: Partial<Record<RpcFault, string>> = {
  timeout: 'no answer in time',
  unreachable: 'no connection',
  'rate-limited': 'too many requests',
  http: 'is no success',
  garbage: 'the answer is not JSON-RPC',
  rpc: 'the node answers with an error',
  unsupported: 'the node does not know this',
  reverted: 'the contract refused the call',
  'missing-block': 'the node lacks that block or its state',
};

interface ErrorFacts {
  readonly names: readonly string[];
  readonly status: number | undefined;
  readonly code: number | undefined;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
}

/** Walks the chain of causes; libraries wrap what matters in several layers. */
const factsOf = (error: unknown): ErrorFacts => {
  const names: string[] = [];
  let status: number | undefined;
  let code: number | undefined;
  let text = '';
  let retryAfterMs: number | undefined;
  let current: unknown = error;
  for (let depth = 0; depth < 8 && typeof current === 'object' && current !== null; depth += 1) {
    const layer = current as Record<string, unknown>;
    if (typeof layer.name === 'string') names.push(layer.name);
    if (typeof layer.status === 'number') status ??= layer.status;
    // -1 is what viem makes of an error that has no code.
    if (typeof layer.code === 'number' && layer.code !== -1) code ??= layer.code;
    if (typeof layer.code === 'string') names.push(layer.code);
    if (layer.headers instanceof Headers) retryAfterMs ??= retryAfterOf(layer.headers);
    text = textOf(layer) ?? text;
    current = layer.cause;
  }
  return { names, status, code, text: text || (typeof error === 'string' ? error : ''), retryAfterMs };
};

const textOf = (layer: Record<string, unknown>): string | undefined => {
  if (typeof layer.details === 'string' && layer.details !== '') return layer.details;
  return typeof layer.message === 'string' && layer.message !== '' ? layer.message : undefined;
};

/** A `Retry-After` in seconds, as milliseconds and never more than 5 minutes. */
export const retryAfterOf = (headers: Headers): number | undefined => {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : undefined;
};

const RATE_LIMIT_CODES = [-32005, -32007, 429];
const RATE_LIMIT = /rate.?limit|too many requests|request limit|compute units|quota/i;
const MISSING_BLOCK =
  /header not found|unknown block|block (?:\S+ )?not found|missing trie node|historical state|pruned|state .*not available|blockoutofrange|not canonical/i;
const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPIPE|UND_ERR_SOCKET|CERT_\S+|ERR_TLS\S*|UND_ERR_CONNECT_TIMEOUT)$/;

const faultOf = ({ names, status, code, text }: ErrorFacts): RpcFault => {
  if (names.some((name) => name === 'TimeoutError' || name === 'AbortError')) return 'timeout';
  if (status === 429 || (code !== undefined && RATE_LIMIT_CODES.includes(code))) return 'rate-limited';
  if (RATE_LIMIT.test(text)) return 'rate-limited';
  if (names.some((name) => UNREACHABLE.test(name))) return 'unreachable';
  if (status !== undefined && code === undefined) return 'http';
  if (/\brevert/i.test(text) || code === 3) return 'reverted';
  if (MISSING_BLOCK.test(text) || code === -32001) return 'missing-block';
  if (code !== undefined && [-32601, -32602, -32004].includes(code)) return 'unsupported';
  if (code !== undefined && code !== -32700) return 'rpc';
  return /fetch failed|socket|network|terminated|other side closed/i.test(text) ? 'unreachable' : 'garbage';
};

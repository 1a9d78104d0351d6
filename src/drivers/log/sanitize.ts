import { BlockhostError } from '../../domain/errors.ts';
import { GONE, namesHash, namesSecret, redact } from './redact.ts';

/**
 * A copy of a value that JSON can hold and a log may: no secrets (see `redact`), bigints as text, errors with code and hint,
 * no cycles, nothing endless. Never throws, whatever a getter does.
 *
 * A string under a hash's name (`blockHash`, `topics`, ...) stays whole when it is one: block hashes and private keys look
 * alike, so it is the field that has to say which it is. In a list, what follows the name of a secret is one, too: argument
 * lists and raw headers look so.
 */
export const sanitize = (value: unknown, secrets: readonly string[] = []): unknown =>
  visit(value, { name: '', depth: 0, above: [], secrets });

interface Place {
  readonly name: string;
  readonly depth: number;
  readonly above: readonly object[];
  readonly secrets: readonly string[];
}

const DEEPEST = 8;
const MOST_ITEMS = 100;
const LONGEST_TEXT = 8192;
const WHOLE_HASH = /^0x[0-9a-f]{64}$/i;

const visit = (value: unknown, place: Place): unknown => {
  if (value !== undefined && value !== null && namesSecret(place.name)) return GONE;
  if (typeof value === 'string') return text(value, place);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (place.above.includes(value)) return '[circular]';
  if (place.depth >= DEEPEST) return '[too deep]';
  try {
    return structure(value, { ...place, depth: place.depth + 1, above: [...place.above, value] });
  } catch {
    return '[unreadable]';
  }
};

const text = (value: string, { name, secrets }: Place): string => {
  if (namesHash(name) && WHOLE_HASH.test(value)) return secrets.includes(value) ? GONE : value;
  const clean = redact(value, secrets);
  return clean.length > LONGEST_TEXT ? `${clean.slice(0, LONGEST_TEXT)}… (${clean.length} characters)` : clean;
};

const structure = (value: object, place: Place): unknown => {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof URL) return redact(value.href, place.secrets);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return ofError(value, place);
  if (value instanceof Map) return ofEntries([...value.entries()], place);
  if (value instanceof Set) return list([...value], place);
  if (Array.isArray(value)) return list(value, place);
  return ofEntries(Object.entries(value), place);
};

const list = (items: readonly unknown[], place: Place): unknown[] => {
  const shown = items.slice(0, MOST_ITEMS).map((item, i) => {
    const before = items[i - 1];
    if (typeof before === 'string' && before.length < 64 && !before.includes('=') && namesSecret(before)) return GONE;
    return visit(item, place);
  });
  return items.length > MOST_ITEMS ? [...shown, `… ${items.length - MOST_ITEMS} more`] : shown;
};

const ofEntries = (entries: readonly (readonly [unknown, unknown])[], place: Place): Record<string, unknown> =>
  Object.fromEntries(
    entries.map(([key, item]) => {
      const name = typeof key === 'string' ? key : String(key);
      return [redact(name, place.secrets), visit(item, { ...place, name })];
    }),
  );

/**
 * The parts of an error that were made to be read. What libraries hang on it besides (request bodies, URLs, options) repeats
 * the message at best.
 */
const ofError = (error: Error, place: Place): Record<string, unknown> => {
  const plain = (value: unknown, name: string): unknown => visit(value, { ...place, name });
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? error.code : undefined;
  return {
    type: plain(name, ''),
    message: plain(message, ''),
    ...(code === undefined ? {} : { code: plain(code, '') }),
    ...(error instanceof BlockhostError ? { retryable: error.retryable } : {}),
    ...(error instanceof BlockhostError && error.hint !== undefined ? { hint: plain(error.hint, '') } : {}),
    ...(error instanceof AggregateError ? { errors: plain(error.errors, '') } : {}),
    ...(cause === undefined ? {} : { cause: plain(cause, '') }),
    stack: plain(stack, ''),
  };
};

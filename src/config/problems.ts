import type * as z from 'zod';
import { ConfigError } from '../domain/errors.ts';
import { namesSecret, redact } from '../drivers/log/redact.ts';
import { closest } from './closest.ts';

/** Gathers everything that is wrong with the configuration, so that an operator is told all of it at once. */
export interface Problems {
  /** One sentence per problem; it begins with the file. */
  add(file: string, sentence: string): void;
  /** Something worth knowing that stops nothing. */
  warn(file: string, sentence: string): void;
  readonly warnings: readonly string[];
  /** Throws one `ConfigError` with every problem, or does nothing when there was none. */
  throwIfAny(): void;
}

export const createProblems = (): Problems => {
  const problems: string[] = [];
  const warnings: string[] = [];
  return {
    warnings,
    add: (file, sentence) => void problems.push(`${file}: ${sentence}`),
    warn: (file, sentence) => void warnings.push(`${file}: ${sentence}`),
    throwIfAny: () => {
      if (problems.length === 0) return;
      const message =
        problems.length === 1
          ? problems.join()
          : `${problems.length} problems in the configuration:\n${problems.map((line) => `  ${line}`).join('\n')}`;
      throw new ConfigError(message, { code: 'CONFIG_INVALID', retryable: false });
    },
  };
};

/**
 * The parsed value, or undefined after every fault was added to `problems`. Each leaf of the schema has as its error what
 * it wants ("a whole number of days"); file, key and what was found are put before it here.
 */
export const check = <T>(schema: z.ZodType<T>, raw: unknown, file: string, problems: Problems): T | undefined => {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) problems.add(file, unknownKey([...issue.path, key], schema));
    } else {
      const { key, value } = locate(raw, issue.path);
      const found = value === undefined ? 'is missing' : `is ${show(key, value)}`;
      problems.add(file, `${key} ${found}; wants ${issue.message}`);
    }
  }
  return undefined;
};

/** `rpc[1].url`: a path as one would point at it. */
export const spell = (path: readonly PropertyKey[]): string =>
  path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`)).join('');

/** What was found, short and without secrets. */
export const show = (key: string, value: unknown): string => {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a group of keys';
  if (namesSecret(key)) return `a ${typeof value}`;
  if (typeof value === 'string' && URL_KEY.test(key) && !value.includes('://')) return 'text that is no URL';
  const text = redact(String(value));
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return typeof value === 'string' ? JSON.stringify(short) : short;
};

/** Text under these keys is likely to carry a provider's key, also where somebody forgot the scheme. */
const URL_KEY = /rpc|url|web_socket/i;

/** Walks as far as the raw value goes: a schema may have read a bare string as a group with one key. */
const locate = (raw: unknown, path: readonly PropertyKey[]): { key: string; value: unknown } => {
  let value = raw;
  for (const [i, part] of path.entries()) {
    if (typeof value !== 'object' || value === null) return { key: spell(path.slice(0, i)) || 'the file', value };
    value = Object.getOwnPropertyDescriptor(value, part)?.value;
  }
  return { key: spell(path) || 'the file', value };
};

const unknownKey = (path: readonly PropertyKey[], schema: z.ZodType): string => {
  // YAML lets whole lists be keys, and writes those over several lines.
  const key = redact(spell(path)).replace(/\s+/g, ' ');
  const guess = closest(key, keysOf(schema));
  return `unknown key ${key}${guess === undefined ? '' : `; did you mean ${guess}?`}`;
};

/** Every key of a schema of ours, spelled in full: `policy.grace`. */
export const keysOf = (schema: z.ZodType, prefix = ''): string[] => describedKeys(schema, prefix).map(({ key }) => key);

/** Every key of a schema of ours with what `.describe()` says of it. */
export const describedKeys = (schema: z.ZodType, prefix = ''): { key: string; means: string }[] => {
  const inner = unwrap(schema);
  const means = schema.description ?? '';
  const here = prefix === '' ? [] : [{ key: prefix, means }];
  if (inner.def.type === 'array') {
    const { element } = inner as unknown as z.ZodArray<z.ZodType>;
    return [...here, ...describedKeys(element, `${prefix}[]`).slice(1)];
  }
  if (inner.def.type !== 'object') return here;
  const { shape } = inner as unknown as z.ZodObject;
  return [
    ...here,
    ...Object.entries(shape).flatMap(([key, value]) =>
      describedKeys(value as z.ZodType, prefix === '' ? key : `${prefix}.${key}`),
    ),
  ];
};

/** The schema below optionals, preprocessing and transforms. */
const unwrap = (schema: z.ZodType): z.ZodType => {
  const def = schema.def as { type: string; innerType?: z.ZodType; in?: z.ZodType; out?: z.ZodType };
  if (def.innerType !== undefined) return unwrap(def.innerType);
  if (def.type === 'pipe' && def.in !== undefined && def.out !== undefined) {
    return unwrap(def.in.def.type === 'transform' ? def.out : def.in);
  }
  return schema;
};

import { LineCounter, parseDocument } from 'yaml';

export type Parsed =
  | { readonly ok: true; readonly keys: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly why: string };

/**
 * Reads a YAML file that has to hold keys at its top; an empty file has none. A fault comes back as one sentence with the
 * line, never with the text itself: the line may hold a secret. Hexadecimal stays text, so that an address written without
 * quotes is the address and not a rounded number.
 */
export const parseYaml = (text: string): Parsed => {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Its warnings go to stderr past everybody, and quote the text.
    logLevel: 'error',
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || !('format' in tag && tag.format === 'HEX')),
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    return { ok: false, why: `line ${line}, column ${col}: ${SENTENCES[error.code] ?? 'this is not YAML'}` };
  }
  try {
    return ofKeys(document.contents === null ? {} : document.toJS({ maxAliasCount: 50 }));
  } catch {
    return { ok: false, why: 'its aliases (*name) point nowhere or multiply beyond measure' };
  }
};

/** Reads a JSON file that has to hold keys. The engine's own message would quote the text, which may hold a key. */
export const parseJson = (text: string): Parsed => {
  try {
    return ofKeys(JSON.parse(text));
  } catch {
    return { ok: false, why: 'this is not JSON' };
  }
};

const ofKeys = (value: unknown): Parsed => {
  if (value === null || value === undefined) return { ok: true, keys: {} };
  if (typeof value === 'object' && !Array.isArray(value)) return { ok: true, keys: { ...value } };
  return { ok: false, why: `holds ${Array.isArray(value) ? 'a list' : `a ${typeof value}`}; wants keys with values` };
};

const SENTENCES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab is used to indent; YAML takes spaces only',
  DUPLICATE_KEY: 'this key is given twice',
  MULTIPLE_DOCS: 'a second document (---) begins; wants one',
  BAD_INDENT: 'the indentation fits no block above',
  MISSING_CHAR: 'a closing quote, bracket or comma is missing',
  BAD_ALIAS: 'an alias (*name) is spelled wrong',
  IMPOSSIBLE: 'this is not YAML',
};

/** `values` by name, and the names of which the line could not be read. */
export interface EnvFile {
  readonly values: ReadonlyMap<string, string>;
  readonly broken: ReadonlySet<string>;
}

/**
 * Reads `NAME=value` lines as a service manager and a shell agree on them: `export` before, quotes around, comments and
 * blank lines between. Nothing is expanded and nothing is run: `$(reboot)` is nine characters. The last of several wins.
 */
export const parseEnvFile = (text: string): EnvFile => {
  const values = new Map<string, string>();
  const broken = new Set<string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line);
    if (match === null) continue;
    const [, name = '', rest = ''] = match;
    const value = unquote(rest);
    values.delete(name);
    broken.delete(name);
    if (value === undefined) broken.add(name);
    else values.set(name, value);
  }
  return { values, broken };
};

const QUOTED = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)")\s*(?:#.*)?$/;

/** The value behind `=`, or undefined where its quotes do not close. */
const unquote = (rest: string): string | undefined => {
  const match = QUOTED.exec(rest);
  if (match !== null) return match[1] ?? (match[2] ?? '').replace(/\\(["\\$`])/g, '$1');
  if (/^['"]/.test(rest)) return undefined;
  return rest.replace(/(^|\s)#.*$/, '').trim();
};

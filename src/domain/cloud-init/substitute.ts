/** Every form that Python's `string.Template` replaces; a `$` in any other place stays as it is. */
const PLACEHOLDER = /\$(?:(\$)|([_a-zA-Z][_a-zA-Z0-9]*)|\{([_a-zA-Z][_a-zA-Z0-9]*)\})/g;

/**
 * Replaces placeholders exactly as Python's `string.Template(template).safe_substitute(values)`: `$name`, `${name}`, `$$`;
 * what is unknown or malformed is kept. Values are put in as they are and not looked at again.
 */
export const substitute = (template: string, values: Readonly<Record<string, string>>): string =>
  template.replace(PLACEHOLDER, (found, dollar?: string, named?: string, braced?: string) => {
    if (dollar !== undefined) return '$';
    const name = named ?? braced ?? '';
    return Object.hasOwn(values, name) ? String(values[name]) : found;
  });

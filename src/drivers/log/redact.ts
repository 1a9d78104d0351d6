/**
 * What may stand in a log instead of what was there (C12). The rules, in the order in which they are applied:
 *
 * 1. A secret that the program itself knows (`secrets`) goes wherever it stands.
 * 2. A URL keeps scheme, host and port: providers put keys into path, query and user part alike. A libvirt or file URL
 *    loses its user part alone.
 * 3. `/v2/KEY`, `/v3/KEY` without a host, credentials after `Authorization:`, `Bearer`, `Basic`, and `name=value` or
 *    `name: value` where the name is that of a secret.
 * 4. A private key and a block hash look alike: 64 hexadecimal digits. In free text both are cut to their first six,
 *    which tells hashes apart and gives away nothing of a key. Whole hashes belong into fields named as such (`blockHash`,
 *    `parentHash`, ...): see `sanitize`.
 */
export const redact = (text: string, secrets: readonly string[] = []): string => {
  let out = text;
  for (const secret of secrets) out = out.split(secret).join(GONE);
  return out
    .replace(URL_IN_TEXT, redactUrl)
    .replace(KEY_IN_PATH, '/$1/…')
    .replace(AUTHORIZATION, `$1${GONE}`)
    .replace(SCHEME_AND_TOKEN, `$1 ${GONE}`)
    .replace(NAME_AND_VALUE, `$1${GONE}`)
    .replace(LONG_HEX, '$1…');
};

/** What stands where a secret was. */
export const GONE = '[redacted]';

/** Scheme, host and port of a URL, and a sign where something was cut: `https://x.example/v3/KEY` → `https://x.example/…`. */
export const redactUrl = (url: string): string => {
  const [, scheme = '', authority = '', rest = ''] = URL_PARTS.exec(url) ?? [];
  // A slash in an unencoded password ends the authority early: then nobody can tell what is host and what is secret.
  const host = rest.includes('@') ? '…' : authority.slice(authority.lastIndexOf('@') + 1);
  if (LOCAL_SCHEME.test(scheme)) return `${scheme}://${host}${rest}`;
  const tail = TRAILING_PUNCTUATION.exec(rest)?.[0] ?? '';
  const bare = host === authority && (rest === tail || rest === `/${tail}`);
  return bare ? url : `${scheme}://${host}/…${tail}`;
};

/**
 * The parts of endpoint URLs that are secret as far as anybody can tell: user part, path and query. For `redact`'s
 * `secrets`; parts too short to be a secret (`/`, `/v1`) are left out, or half of the log would go.
 */
export const secretsInUrls = (urls: readonly string[]): string[] => {
  const parts = urls.flatMap((url) => {
    const [, , authority = '', rest = ''] = URL_PARTS.exec(url) ?? [];
    const user = authority.includes('@') ? authority.slice(0, authority.lastIndexOf('@')) : '';
    return [...user.split(':'), ...rest.split(/[/?#&=]/)];
  });
  return [...new Set(parts)].filter((part) => part.length >= 8).sort((a, b) => b.length - a.length);
};

/** Is this the name of a field whose value is a secret? Upper case, `_` and `-` make no difference. */
export const namesSecret = (name: string): boolean => SECRET_NAME.test(name.replace(/[^a-z0-9]/gi, ''));

/** Is this the name of a field that holds a hash, or something as public? */
export const namesHash = (name: string): boolean => HASH_NAME.test(name);

const URL_IN_TEXT = /[a-z][a-z0-9+.-]*:\/\/[^\s"<>`]+/gi;
const URL_PARTS = /^([^:]*):\/\/([^/?#]*)(.*)$/s;
const LOCAL_SCHEME = /^(qemu|test|file|node)\b/i;
const TRAILING_PUNCTUATION = /[)\]},.;:'!]+$/;
const KEY_IN_PATH = /\/(v\d+)\/[\w-]{16,}/g;
const AUTHORIZATION = /((?:proxy-)?authorization["']?\s*[:=]\s*["']?)[^\r\n"']+/gi;
const SCHEME_AND_TOKEN = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;
const NAME_AND_VALUE =
  /((?:pass(?:word|wd|phrase)|secret|token|mnemonic|cookie|(?:private|secret|api|access|signing|deployer)[ _-]?key)["']?\s*[:=]\s*["']?)[^\s"',;&}]+/gi;
const LONG_HEX = /((?:0x)?[0-9a-f]{6})[0-9a-f]{58,}/gi;
const SECRET_NAME =
  /secret|passw|passphrase|mnemonic|seedphrase|authorization|cookie|keystore|signature|token$(?<!nfttoken)|(?:private|secret|api|access|signing|deployer|ssh|server|encryption)key/i;
const HASH_NAME = /hash|root|topic|digest|^(?:tx|block|parent|head|safe|finalized)$/i;

/** `v1`, `rpc`, `eth`: what a path may say that is no key. A longer or mixed part may be one, and nobody can tell (L3). */
const PLAIN_PART = /^(?:[a-z]{1,7}|v\d{1,2})$/;

/** Some providers make the key a label of the host's name: a long run of letters and digits. */
const KEY_IN_HOST = /(?=[a-z]*\d)[a-z\d]{16,}/;

/**
 * May everybody know this endpoint? Only where nothing in it can be a secret: no user part, no query, no fragment, and
 * neither in path nor host anything like a key (C12). In doubt it may not.
 */
export const isPublicEndpoint = (url: string): boolean => {
  if (!URL.canParse(url)) return false;
  const { username, password, search, hash, pathname, hostname } = new URL(url);
  if (`${username}${password}${search}${hash}` !== '') return false;
  const parts = pathname.split('/').filter((part) => part !== '');
  return parts.every((part) => PLAIN_PART.test(part)) && !KEY_IN_HOST.test(hostname);
};

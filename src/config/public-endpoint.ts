/** Paths of public endpoints are words such as `/rpc` or `/v1/mainnet`; keys of providers are longer than those. */
const LONGEST_WORD = 15;

/** Names of hosts may carry a key in front, too. */
const LONGEST_LABEL = 23;

/**
 * May guests, and so customers, be told this endpoint? Not where anything in it could be a key of the operator's: a user
 * part, a query, a fragment, a long segment of the path or a long label of the host (C12).
 */
export const isPublicEndpoint = (url: string): boolean => {
  if (!URL.canParse(url)) return false;
  const { username, password, search, hash, pathname, hostname } = new URL(url);
  if (`${username}${password}${search}${hash}` !== '') return false;
  const isShort = (longest: number) => (part: string) => part.length <= longest;
  return pathname.split('/').every(isShort(LONGEST_WORD)) && hostname.split('.').every(isShort(LONGEST_LABEL));
};

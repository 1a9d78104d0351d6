import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { formatIpv6 } from '../domain/ipv6.ts';

/**
 * The host's own addresses now. Read from the kernel's tables: the daemon's unit allows no netlink, which
 * `networkInterfaces` needs, and that leaves out links without a carrier, such as a bridge with nothing plugged in.
 * Throws where neither can be read: an address that is not known to be the host's must not be given away.
 */
export const hostAddresses = (): readonly string[] => {
  const table = readTable('/proc/net/fib_trie');
  if (table === undefined) return reported();
  return [...ipv4In(table), ...ipv6In(readTable('/proc/net/if_inet6') ?? '')];
};

const readTable = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** An address stands on a line of its own, and what it is in the next; the whole table is there twice. */
const ipv4In = (table: string): Set<string> =>
  new Set([...table.matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL/g)].map(([, address = '']) => address));

/** Without this file the host has no IPv6. */
const ipv6In = (table: string): readonly string[] =>
  [...table.matchAll(/^([0-9a-f]{32}) /gm)].map(([, digits]) => formatIpv6(BigInt(`0x${digits}`)));

const reported = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));

import { isIPv4, isIPv6 } from 'node:net';
import type { BrokerFile, DbFile } from './contract-schema.ts';
import type { Paths } from './paths.ts';
import type { Problems } from './problems.ts';

/** Addresses for machines: `start` to `end`, both included, in a /24 (more than a /24 works nowhere on the host today). */
export interface IpPool {
  readonly network: string;
  readonly start: string;
  readonly end: string;
  readonly gateway: string;
}

/** Addresses are the network address of `prefix` plus `start` ... `end`. */
export interface Ipv6Pool {
  readonly prefix: string;
  readonly start: number;
  readonly end: number;
}

/** db.yaml's `ip_pool` with its three spellings of an end made one; undefined where there is none. */
export const readIpPool = (pool: DbFile['ip_pool'], file: string, problems: Problems): IpPool | undefined => {
  if (pool?.network === undefined) return undefined;
  const match = /^(\d+\.\d+\.\d+)\.\d+\/24$/.exec(pool.network);
  if (match === null || !isIPv4(`${match[1]}.0`)) {
    problems.add(file, `ip_pool.network is ${JSON.stringify(pool.network)}; wants a /24 such as 192.168.122.0/24`);
    return undefined;
  }
  const base = match[1] ?? '';
  const whole = (key: 'start' | 'end' | 'gateway', otherwise: number): string => {
    const value = pool[key] ?? otherwise;
    const text = /^\d{1,3}$/.test(String(value)) ? `${base}.${Number(value)}` : String(value);
    const last = Number(text.slice(base.length + 1));
    if (isIPv4(text) && text.startsWith(`${base}.`) && last > 0 && last < 255) return text;
    problems.add(
      file,
      `ip_pool.${key} is ${JSON.stringify(value)}; wants a number from 1 to 254 or an address in ${base}.0/24`,
    );
    return `${base}.${otherwise}`;
  };
  const found = {
    network: `${base}.0/24`,
    start: whole('start', 2),
    end: whole('end', 254),
    gateway: whole('gateway', 1),
  };
  const last = (text: string): number => Number(text.split('.').at(-1));
  if (last(found.start) > last(found.end))
    problems.add(file, `ip_pool runs from ${found.start} to ${found.end}; wants start first`);
  return found;
};

/** The IPv6 pool that the broker allotted; undefined where there is no allocation. */
export const readIpv6Pool = (
  { broker, db }: { broker: BrokerFile; db: DbFile },
  paths: Paths,
  problems: Problems,
): Ipv6Pool | undefined => {
  const prefix = broker.prefix ?? broker.ipv6_prefix;
  if (prefix === undefined) return undefined;
  const [network = '', bits = ''] = prefix.split('/');
  if (!isIPv6(network) || !/^\d{1,3}$/.test(bits) || Number(bits) > 126) {
    problems.add(
      paths.brokerAllocation,
      `prefix is ${JSON.stringify(prefix)}; wants an IPv6 network such as 2001:db8::/120`,
    );
    return undefined;
  }
  const largest = 2 ** Math.min(128 - Number(bits), 32) - 1;
  const end = (key: 'start' | 'end', otherwise: number): number => {
    const value = Number(db.ipv6_pool?.[key] ?? otherwise);
    if (Number.isInteger(value) && value >= 0 && value <= largest) return value;
    problems.add(
      paths.dbYaml,
      `ipv6_pool.${key} is ${JSON.stringify(db.ipv6_pool?.[key])}; wants a number from 0 to ${largest}`,
    );
    return otherwise;
  };
  return { prefix, start: end('start', 2), end: end('end', Math.min(254, largest)) };
};

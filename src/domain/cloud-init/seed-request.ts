import * as z from 'zod';
import { BlockhostError } from '../errors.ts';
import { parseIpv6 } from '../ipv6.ts';

/**
 * Whatever of these lands in a template lands raw: in YAML, inside it in TOML, and in the command lines of a guest. So each
 * is held to characters that mean nothing in any of them.
 */
const pattern = (expression: RegExp, wants: string) => z.string({ error: wants }).regex(expression, { error: wants });

const ipv4 = pattern(/^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/, 'an IPv4 address');
const ipv6 = z
  .string({ error: 'an IPv6 address' })
  .refine((text) => parseIpv6(text) !== undefined, { error: 'an IPv6 address' });

const machineSchema = z.object({
  uuid: pattern(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a lower-case UUID'),
  name: pattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'letters, digits, dot, dash and underscore, at most 63'),
  mac: pattern(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'a MAC address'),
  ipv4,
  /** Empty where there is none. */
  ipv6: ipv6.or(z.literal('')),
  username: pattern(/^[a-z_][a-z0-9_-]{0,31}$/, 'a Linux user name'),
  wallet: pattern(/^[A-Za-z0-9_-]{1,128}$/, 'a wallet address: letters and digits'),
  nftTokenId: z.bigint().min(0n).optional(),
  /** For the login module inside the guest: 64 hexadecimal digits, of a new random key each time. */
  secretKey: pattern(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
});

const settingsSchema = z.object({
  /** OpenSSH public keys, one line each. */
  sshKeys: z.array(pattern(/^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*(?: [\w@.+=/-]{0,100})?$/, 'an OpenSSH public key')),
  nameservers: z.array(ipv4.or(ipv6)),
  ipv4Gateway: ipv4,
  /** The network that a machine's IPv6 address is of; its first address is the gateway. */
  ipv6Prefix: z.string().optional(),
  otpLength: z.number().int().min(1).max(64),
  otpTtlSeconds: z.number().int().min(1).max(86_400),
  /** The zone in which the broker publishes IPv6 addresses; empty where there is none. */
  dnsZone: pattern(/^(?:[A-Za-z0-9_-]{1,63}(?:\.|$))*$/, 'a DNS zone'),
  chainId: z.number().int().positive().optional(),
  nftContract: pattern(/^0x[0-9a-fA-F]{40}$/, 'an address').optional(),
  rpcUrl: pattern(/^https?:\/\/[\w.~:/?#[\]@!&()*+,;=%-]+$/, 'a URL without blanks and quotes').optional(),
});

/** One machine as its guest is told about it. */
export type SeedMachine = z.infer<typeof machineSchema>;

/** What all guests of this host are told. */
export type GuestSettings = z.infer<typeof settingsSchema>;

/** What a seed is made of: a template with placeholders, text that somebody rendered before, or what ships with us. */
export type UserDataSource =
  | { readonly kind: 'template'; readonly text: string }
  | { readonly kind: 'rendered'; readonly text: string }
  | { readonly kind: 'built-in' };

export interface SeedRequest {
  readonly machine: SeedMachine;
  readonly settings: GuestSettings;
  readonly userData: UserDataSource;
}

/** Throws `BlockhostError` (`seed-refused`) that names the first value which must not land in a guest's files. */
export const checkSeedRequest = ({ machine, settings }: SeedRequest): void => {
  for (const result of [machineSchema.safeParse(machine), settingsSchema.safeParse(settings)]) {
    const issue = result.error?.issues[0];
    if (issue === undefined) continue;
    throw new BlockhostError(`${issue.path.join('.')} is not fit for a guest's cloud-init; wants ${issue.message}`, {
      code: 'seed-refused',
      retryable: false,
    });
  }
};

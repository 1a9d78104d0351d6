import { parseIpv6 } from '../ipv6.ts';
import type { GuestSettings, SeedMachine } from './seed-request.ts';

const LOW_64_BITS = (1n << 64n) - 1n;

/** The name under which the broker publishes an IPv6 address: hex of its low 64 bits, in the broker's zone. */
const signingDomainOf = (ipv6: string, dnsZone: string): string => {
  const bits = parseIpv6(ipv6);
  return bits === undefined || dnsZone === '' ? '' : `${(bits & LOW_64_BITS).toString(16)}.${dnsZone}`;
};

/** A list below a key of a user in YAML: what stands behind `ssh_authorized_keys:` in templates. */
const sshKeysOf = (keys: readonly string[]): string =>
  keys.length === 0 ? '[]' : `\n${keys.map((key) => `      - ${key}`).join('\n')}`;

/** The account's comment: how every version of the login module learns whose machine it is. */
export const gecosOf = ({ wallet, nftTokenId }: Pick<SeedMachine, 'wallet' | 'nftTokenId'>): string =>
  nftTokenId === undefined ? `wallet=${wallet}` : `wallet=${wallet},nft=${nftTokenId}`;

/** Everything that templates may ask for. A variable without a value is empty, so that no guest sees a placeholder. */
export const variablesOf = (machine: SeedMachine, settings: GuestSettings): Readonly<Record<string, string>> => {
  const signingDomain = signingDomainOf(machine.ipv6, settings.dnsZone);
  const signingHost = signingDomain || (machine.ipv6 === '' ? machine.ipv4 : `[${machine.ipv6}]`);
  return {
    VM_NAME: machine.name,
    VM_FQDN: signingDomain || `${machine.name}.local`,
    VM_IP: machine.ipv4,
    VM_IPV6: machine.ipv6,
    SIGNING_HOST: signingHost,
    SIGNING_DOMAIN: signingDomain,
    USERNAME: machine.username,
    WALLET_ADDRESS: machine.wallet,
    NFT_TOKEN_ID: machine.nftTokenId === undefined ? '' : String(machine.nftTokenId),
    OTP_LENGTH: String(settings.otpLength),
    OTP_TTL: String(settings.otpTtlSeconds),
    SECRET_KEY: machine.secretKey,
    SSH_KEYS: sshKeysOf(settings.sshKeys),
    CHAIN_ID: settings.chainId === undefined ? '' : String(settings.chainId),
    NFT_CONTRACT: settings.nftContract ?? '',
    RPC_URL: settings.rpcUrl ?? '',
  };
};

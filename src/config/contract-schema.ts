import * as z from 'zod';
import { absolutePath, address, chainId, days, dnsZone, httpUrl, orBlank, plainName, whole } from './leaves.ts';

/**
 * What is read of the files that others write. Keys that are not named here are theirs and are passed over in silence; of
 * two spellings of one key the newer stands first.
 */

/** One end of an address pool: the last part of an address, or the whole of it. */
const hostPart = z.union([z.number(), z.string()], { error: 'a number from 1 to 254 or an address of the network' });

const ipPool = z.object(
  {
    network: orBlank(z.string({ error: 'a network such as 192.168.122.0/24' })),
    start: orBlank(hostPart),
    end: orBlank(hostPart),
    gateway: orBlank(z.string({ error: 'an IPv4 address' })),
  },
  { error: 'the keys network, start, end and gateway' },
);

const ipv6Range = z.object({ start: orBlank(hostPart), end: orBlank(hostPart) }, { error: 'the keys start and end' });

/** `/etc/blockhost/db.yaml`. */
export const dbSchema = z.object({
  db_file: orBlank(absolutePath),
  db_path: orBlank(absolutePath),
  storage_path: orBlank(absolutePath),
  storage_pool: orBlank(plainName('the name of a storage pool')),
  bridge: orBlank(plainName('the name of a bridge')),
  ip_pool: orBlank(ipPool),
  ipv6_pool: orBlank(ipv6Range),
  default_expiry_days: orBlank(days),
  gc_grace_days: orBlank(days),
  grace_days: orBlank(days),
});

/** `/etc/blockhost/web3-defaults.yaml`; older ones are flat. */
export const web3Schema = z.object({
  blockchain: orBlank(
    z.object(
      {
        chain_id: orBlank(chainId),
        rpc_url: orBlank(httpUrl),
        nft_contract: orBlank(address),
        subscription_contract: orBlank(address),
      },
      { error: 'the keys chain_id, rpc_url, nft_contract and subscription_contract' },
    ),
  ),
  chain_id: orBlank(chainId),
  rpc_url: orBlank(httpUrl),
  nft_contract: orBlank(address),
  subscription_contract: orBlank(address),
  deployer: orBlank(z.object({ private_key_file: orBlank(absolutePath) }, { error: 'the key private_key_file' })),
  deployer_key_path: orBlank(absolutePath),
  auth: orBlank(
    z.object(
      {
        otp_length: orBlank(whole(1, 64, 'a number of digits')),
        otp_ttl_seconds: orBlank(whole(1, 86_400, 'a number of seconds')),
      },
      { error: 'the keys otp_length and otp_ttl_seconds' },
    ),
  ),
});

/** `/etc/blockhost/blockhost.yaml`. */
export const blockhostSchema = z.object({ contract_address: orBlank(address) });

/** `/opt/blockhost/.env`. */
export const engineEnvSchema = z.object({
  RPC_URL: orBlank(httpUrl),
  BLOCKHOST_CONTRACT: orBlank(address),
  NFT_CONTRACT: orBlank(address),
  DEPLOYER_KEY_FILE: orBlank(absolutePath),
});

/** `/etc/blockhost/broker-allocation.json`; it also holds a private key, which stays unread. */
export const brokerSchema = z.object({
  prefix: orBlank(z.string({ error: 'an IPv6 network such as 2001:db8::/120' })),
  ipv6_prefix: orBlank(z.string({ error: 'an IPv6 network such as 2001:db8::/120' })),
  dns_zone: orBlank(dnsZone),
});

export type DbFile = z.infer<typeof dbSchema>;
export type Web3File = z.infer<typeof web3Schema>;
export type BlockhostFile = z.infer<typeof blockhostSchema>;
export type EngineEnv = z.infer<typeof engineEnvSchema>;
export type BrokerFile = z.infer<typeof brokerSchema>;

import { join } from 'node:path';
import type { ChainSettings } from '../domain/chain-settings.ts';
import { isPublicEndpoint } from '../domain/cloud-init/public-endpoint.ts';
import type { GuestSettings } from '../domain/cloud-init/seed-request.ts';
import type { Paths } from './paths.ts';
import type { Files } from './read-files.ts';

/** What configuration knows of new guests; the pools of addresses say the rest. */
export interface GuestConfig {
  readonly templateDirs: readonly string[];
  readonly template: string;
  /** The engine's endpoint may carry a key, so guests are told of none (C12). */
  readonly rpcWithheld: boolean;
  readonly settings: Omit<GuestSettings, 'ipv4Gateway' | 'ipv6Prefix'>;
}

/** The login module's settings come from the engine's files, as do chain, contract and endpoint. */
export const readGuest = (
  { ours, web3, env, broker }: Files,
  chains: readonly ChainSettings[],
  paths: Paths,
): GuestConfig => {
  const given = ours.cloud_init;
  const [chain] = chains;
  const chainId = chain?.chainId ?? web3.blockchain?.chain_id ?? web3.chain_id;
  const nftContract = chain?.credentialNft ?? env.NFT_CONTRACT ?? web3.blockchain?.nft_contract ?? web3.nft_contract;
  const ofEngine = web3.blockchain?.rpc_url ?? web3.rpc_url ?? env.RPC_URL;
  // What stands in a guest its customer reads: an operator's key would be everybody's.
  const rpcWithheld = given?.rpc_url === undefined && ofEngine !== undefined && !isPublicEndpoint(ofEngine);
  const rpcUrl = rpcWithheld ? undefined : (given?.rpc_url ?? ofEngine);
  return {
    templateDirs: [
      ...(given?.template_dirs ?? []).map(paths.underRoot),
      paths.templatesDir,
      join('cloud-init', 'templates'),
    ],
    template: given?.template ?? 'nft-auth.yaml',
    rpcWithheld,
    settings: {
      sshKeys: given?.ssh_keys ?? [],
      nameservers: given?.nameservers ?? ['1.1.1.1', '9.9.9.9'],
      otpLength: web3.auth?.otp_length ?? 6,
      otpTtlSeconds: web3.auth?.otp_ttl_seconds ?? 300,
      dnsZone: broker.dns_zone ?? '',
      ...(chainId === undefined ? {} : { chainId }),
      ...(nftContract === undefined ? {} : { nftContract }),
      ...(rpcUrl === undefined ? {} : { rpcUrl }),
    },
  };
};

import { randomBytes } from 'node:crypto';
import type { Config } from '../config/load.ts';
import { renderSeed } from '../domain/cloud-init/render-seed.ts';
import { BlockhostError, explain } from '../domain/errors.ts';
import { readUserData } from '../drivers/cloud-init/templates.ts';
import type { Seeds } from '../ports/seeds.ts';

/** Renders the seeds of new machines from this host's templates and configuration. */
export const openSeeds = ({ guest, ipPool, ipv6Pool }: Config): Seeds => {
  const source = (rendered: string | undefined) =>
    readUserData({ ...guest, ...(rendered === undefined ? {} : { rendered }) });
  return {
    missing: async (content) => {
      try {
        await source(content);
        return [];
      } catch (error) {
        if (error instanceof BlockhostError) return [explain(error)];
        throw error;
      }
    },
    render: async ({ nftTokenId, ...machine }, content) => {
      if (ipPool === undefined)
        throw new BlockhostError('no ip_pool is configured', { code: 'no-ip-pool', retryable: false });
      return renderSeed({
        machine: { ...machine, nftTokenId, secretKey: randomBytes(32).toString('hex') },
        settings: {
          ...guest.settings,
          ipv4Gateway: ipPool.gateway,
          ...(ipv6Pool === undefined ? {} : { ipv6Prefix: ipv6Pool.prefix }),
        },
        userData: await source(content),
      });
    },
  };
};

import { randomBytes } from 'node:crypto';
import type { Config } from '../config/load.ts';
import { networkConfigOf } from '../domain/cloud-init/network-config.ts';
import { renderSeed } from '../domain/cloud-init/render-seed.ts';
import { type GuestSettings, problemsOfSettings } from '../domain/cloud-init/seed-request.ts';
import { ConfigError, explain } from '../domain/errors.ts';
import { readUserData } from '../drivers/cloud-init/templates.ts';
import type { Seeds } from '../ports/seeds.ts';

const SECRET_BYTES = 32;

/** Seeds after this host's configuration: its template, its pools' gateways, the login module's settings. */
export const createSeeds = (config: Pick<Config, 'guest' | 'ipPool' | 'ipv6Pool'>): Seeds => {
  const { guest, ipPool, ipv6Pool } = config;
  const settings: GuestSettings | undefined = ipPool && {
    ...guest.settings,
    sshKeys: [...guest.settings.sshKeys],
    ipv4Gateway: ipPool.gateway,
    ...(ipv6Pool === undefined ? {} : { ipv6Prefix: ipv6Pool.prefix }),
  };
  const source = (content: string | undefined) =>
    readUserData({ ...guest, ...(content === undefined ? {} : { rendered: content }) });

  return {
    missing: async (content) => {
      if (settings === undefined) return [NO_POOL];
      const unreadable = await source(content).then(
        () => [],
        (error: unknown) => [explain(error)],
      );
      return [...problemsOfSettings(settings), ...unreadable];
    },
    render: async (machine, content) => {
      if (settings === undefined) throw new ConfigError(NO_POOL, { code: 'CONFIG_INVALID', retryable: false });
      const secretKey = randomBytes(SECRET_BYTES).toString('hex');
      return renderSeed({ machine: { ...machine, secretKey }, settings, userData: await source(content) });
    },
    network: (machine) => {
      if (settings === undefined) throw new ConfigError(NO_POOL, { code: 'CONFIG_INVALID', retryable: false });
      return networkConfigOf(machine, settings);
    },
  };
};

const NO_POOL = 'db.yaml has no ip_pool, so guests have no gateway';

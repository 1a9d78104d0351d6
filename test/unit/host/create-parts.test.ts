import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createPaths } from '../../../src/config/paths.ts';
import { mintsByDefault } from '../../../src/domain/mint.ts';
import { createSystemClock } from '../../../src/drivers/clock/system-clock.ts';
import { createMinter } from '../../../src/host/create-minter.ts';
import { createSeeds } from '../../../src/host/create-seeds.ts';
import { createModelLog } from '../../models/model-log.ts';
import { load } from '../config/files.ts';

const dbYaml = 'ip_pool: {network: "192.168.122.0/24", start: 2, end: 254, gateway: "192.168.122.1"}\n';
const brokerAllocation = '{"prefix": "2001:db8::/120", "dns_zone": "vm.example"}';
const machine = {
  uuid: '11111111-2222-4333-8444-555555555555',
  name: 'blockhost-007',
  mac: '52:54:00:aa:bb:cc',
  ipv4: '192.168.122.7',
  ipv6: '2001:db8::1f',
  username: 'user',
  wallet: `0x${'ab'.repeat(20)}`,
  nftTokenId: 42n,
};

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seeds-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('the seeds of this host', () => {
  it('follow its template, pools and broker, each with a secret of its own', async () => {
    const provisionerYaml = `cloud_init: {template_dirs: [${dir}]}\n`;
    await writeFile(join(dir, 'nft-auth.yaml'), 'Content-Type: x\n$SIGNING_HOST $OTP_LENGTH $SECRET_KEY');
    const seeds = createSeeds(await load({ dbYaml, brokerAllocation, provisionerYaml }));
    expect(await seeds.missing(undefined)).toEqual([]);
    const [one, two] = [await seeds.render(machine, undefined), await seeds.render(machine, undefined)];
    expect(one.userData).toMatch(/\n1f\.vm\.example 6 [0-9a-f]{64}$/);
    expect(one.userData).not.toBe(two.userData);
    expect(parse(one.networkConfig).ethernets.primary.routes[1].via).toBe('2001:db8::1');
    expect(one.metaData).toBe(two.metaData);
  });

  it('tell beforehand what they would lack', async () => {
    expect(await createSeeds(await load({})).missing(undefined)).toEqual([expect.stringContaining('no ip_pool')]);
    const seeds = createSeeds(await load({ dbYaml }));
    expect(await seeds.missing(join(dir, 'none'))).toEqual([expect.stringContaining('is not there')]);
  });
});

describe('minting for a create', () => {
  it('is what is left when nobody else does it', () => {
    const usual = {
      apply: true,
      mock: false,
      noMint: false,
      skipMint: false,
      createdByEngine: false,
      tokenGiven: false,
    };
    expect(mintsByDefault(usual)).toBe(true);
    expect(mintsByDefault({ ...usual, apply: false })).toBe(false);
    for (const key of ['mock', 'noMint', 'skipMint', 'createdByEngine', 'tokenGiven'] as const) {
      expect(mintsByDefault({ ...usual, [key]: true })).toBe(false);
    }
  });

  it('needs a contract and a wallet of that chain, and says so', async () => {
    const options = {
      config: await load({}),
      paths: createPaths({}),
      clock: createSystemClock(),
      log: createModelLog(),
    };
    const minter = createMinter(options);
    await expect(minter.mint({ owner: machine.wallet, machineId: 'a' })).rejects.toThrow(/no credential contract/);
    await expect(minter.mint({ owner: 'bc1qxyz', machineId: 'a' })).rejects.toThrow(/no wallet/);
    expect(await minter.seal({ hostname: 'h', port: 22, username: 'u' }, `0x${'5a'.repeat(65)}`)).toMatch(
      /^0x[0-9a-f]+$/,
    );
  });
});

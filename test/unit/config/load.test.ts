import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';
import { CONTRACT, ENV, faults, load, NFT, OTHER, WEB3, WEB3_TEMPLATE } from './files.ts';

const DAY = 86_400_000;

describe('a host without any file', () => {
  it('gets what ships, no chain, and one warning', async () => {
    const config = await load({});
    expect(config).toEqual({
      policy: DEFAULT_POLICY,
      chains: [],
      entitlement: 'subscription',
      libvirtUri: 'qemu:///system',
      dbFile: '/var/lib/blockhost/vms.json',
      storagePath: '/var/lib/blockhost/vms',
      resultSentinel: false,
      storagePool: 'blockhost',
      cloudInitDir: '/var/lib/blockhost/cloud-init',
      bridge: 'br0',
      ipPool: undefined,
      ipv6Pool: undefined,
      defaultExpiryDays: 30,
      sweepEveryMs: 300_000,
      nightlyCron: '0 2 * * *',
      maxParallelSteps: 4,
      guest: {
        templateDirs: ['/usr/share/blockhost/cloud-init/templates', 'cloud-init/templates'],
        template: 'nft-auth.yaml',
        rpcWithheld: false,
        settings: { sshKeys: [], nameservers: ['1.1.1.1', '9.9.9.9'], otpLength: 6, otpTtlSeconds: 300, dnsZone: '' },
      },
      mint: {
        keyFile: '/etc/blockhost/deployer.key',
        confirmations: 2,
        stuckAfterMs: 60_000,
        giveUpAfterMs: 600_000,
        maxFeeGwei: 500,
      },
      template: { image: undefined, suite: undefined, mirror: undefined, packages: [], sizeGib: 3 },
      createdByEngine: false,
      warnings: ['/etc/blockhost/db.yaml: is absent; what ships is used'],
    });
  });
});

describe('the template in provisioner.yaml', () => {
  it('is an image with its checksum, or packages of a release', async () => {
    const checksum = `sha256:${'AB'.repeat(32)}`;
    const image = await load({
      provisionerYaml: `template: {url: "https://a.example/x.qcow2", checksum: "${checksum}"}`,
    });
    expect(image.template.image).toEqual({ url: 'https://a.example/x.qcow2', checksum: checksum.toLowerCase() });
    const packages = await load({ provisionerYaml: 'template: {suite: trixie, packages: [htop, g++], size: 10G}' });
    expect(packages.template).toEqual({
      image: undefined,
      suite: 'trixie',
      mirror: undefined,
      packages: ['htop', 'g++'],
      sizeGib: 10,
    });
  });
});

describe('db.yaml', () => {
  it('is read with the names of the contract, and foreign keys are passed over', async () => {
    const dbYaml = [
      'db_file: /var/lib/blockhost/vms.json',
      'storage_path: /srv/vms',
      'storage_pool: fast',
      'bridge: br-ext',
      'terraform_dir: /var/lib/blockhost/terraform',
      'fields: {vm_name: vm_name}',
      'default_expiry_days: 14',
      'gc_grace_days: 3',
      'ip_pool: {network: "192.168.122.0/24", start: 200, end: "250", gateway: "192.168.122.1"}',
    ].join('\n');
    const config = await load({ dbYaml });
    expect(config).toMatchObject({
      storagePath: '/srv/vms',
      storagePool: 'fast',
      bridge: 'br-ext',
      defaultExpiryDays: 14,
    });
    expect(config.policy.graceMs).toBe(3 * DAY);
    expect(config.ipPool).toEqual({
      network: '192.168.122.0/24',
      start: '192.168.122.200',
      end: '192.168.122.250',
      gateway: '192.168.122.1',
    });
    expect(config.warnings).toEqual([]);
  });

  it.each([['grace_days: 2'], ['gc_grace_days: "2"'], ['gc_grace_days: 2\ngrace_days: 2']])(
    'takes %j for two days',
    async (dbYaml) => {
      const { policy, warnings } = await load({ dbYaml });
      expect(policy.graceMs).toBe(2 * DAY);
      expect(warnings).toEqual([]);
    },
  );

  it('lets the newer of two spellings count, and warns', async () => {
    const config = await load({
      dbYaml: 'gc_grace_days: 5\ngrace_days: 2\ndb_file: /a/vms.json\ndb_path: /b/vms.json',
    });
    expect(config.policy.graceMs).toBe(5 * DAY);
    expect(config.dbFile).toBe('/a/vms.json');
    expect(config.warnings).toEqual([
      '/etc/blockhost/db.yaml: gc_grace_days is 5 and grace_days is 2; the first counts',
      '/etc/blockhost/db.yaml: db_file and db_path differ; the first counts',
      '/etc/blockhost/db.yaml: db_file is not /var/lib/blockhost/vms.json, where the engine writes',
    ]);
  });

  it('puts BLOCKHOST_ROOT before the paths that it names, once (D2)', async () => {
    const env = { BLOCKHOST_ROOT: '/tmp/r' };
    const config = await load({ dbYaml: 'db_file: /var/lib/blockhost/vms.json\nstorage_path: /tmp/r/vms' }, env);
    expect(config).toMatchObject({ dbFile: '/tmp/r/var/lib/blockhost/vms.json', storagePath: '/tmp/r/vms' });
  });
});

describe('libvirt and the pools', () => {
  it('takes the URI from provisioner.yaml before LIBVIRT_DEFAULT_URI before the usual one (D2)', async () => {
    const env = { LIBVIRT_DEFAULT_URI: 'test:///default' };
    expect((await load({}, env)).libvirtUri).toBe('test:///default');
    expect((await load({ provisionerYaml: 'libvirt_uri: qemu:///session' }, env)).libvirtUri).toBe('qemu:///session');
    expect((await load({}, { LIBVIRT_DEFAULT_URI: '' })).libvirtUri).toBe('qemu:///system');
  });

  it.each(['prefix', 'ipv6_prefix'])(
    'takes the IPv6 pool from %s and never looks at the private key beside it',
    async (key) => {
      const brokerAllocation = JSON.stringify({ [key]: '2001:db8::/120', wg_private_key: 'x'.repeat(44) });
      expect((await load({ brokerAllocation })).ipv6Pool).toEqual({ prefix: '2001:db8::/120', start: 2, end: 254 });
      const narrow = await load({ brokerAllocation, dbYaml: 'ipv6_pool: {start: "10", end: 20}' });
      expect(narrow.ipv6Pool).toMatchObject({ start: 10, end: 20 });
    },
  );
});

describe('the chain', () => {
  it('comes out of the files of the engine', async () => {
    const { chains, warnings } = await load({ engineEnv: ENV, web3Yaml: WEB3, dbYaml: '' });
    expect(chains).toEqual([
      {
        chainId: 11155111,
        endpoints: [{ url: 'https://one.example/v3/abcdefghijklmnop' }],
        contracts: [{ kind: 'subscriptions', address: CONTRACT, namePrefix: 'blockhost-' }],
        credentialNft: NFT,
        multicall: '0xca11bde05977b3631167028862be2a173976ca11',
        safe: 'tag',
        finalized: 'tag',
        pollEveryMs: 4000,
        requestTimeoutMs: 10_000,
        maxHeadAgeMs: 120_000,
        cursorBlocks: 512,
      },
    ]);
    expect(warnings).toEqual([]);
  });

  it('comes out of the older flat files, with an address that nobody put in quotes', async () => {
    const web3Yaml = `chain_id: 1\nrpc_url: http://127.0.0.1:8545\nnft_contract: ${NFT}\ndeployer_key_path: /etc/x`;
    const blockhostYaml = `contract_address: ${CONTRACT.toUpperCase().replace('0X', '0x')}\npublic_secret: s`;
    const { chains } = await load({ web3Yaml, blockhostYaml });
    expect(chains).toMatchObject([{ chainId: 1, credentialNft: NFT, contracts: [{ address: CONTRACT }] }]);
  });

  it('is known not to be configured where there is only the template that the host ships (D12)', async () => {
    expect((await load({ web3Yaml: WEB3_TEMPLATE })).chains).toEqual([]);
    expect((await load({ web3Yaml: WEB3_TEMPLATE, engineEnv: 'RPC_URL=\nBLOCKHOST_CONTRACT=""\n' })).chains).toEqual(
      [],
    );
  });

  it.each([
    [
      'an endpoint of the engine',
      { web3Yaml: WEB3_TEMPLATE, engineEnv: 'RPC_URL=http://a.example' },
      'contracts (the subscription contract) is',
    ],
    ['an NFT', { web3Yaml: WEB3 }, 'contracts (the subscription contract) is'],
    ['a contract', { blockhostYaml: `contract_address: "${CONTRACT}"` }, 'chain_id, rpc (an endpoint) are'],
    [
      'endpoints of ours',
      { provisionerYaml: 'rpc: [http://a.example]' },
      'chain_id, contracts (the subscription contract) are',
    ],
  ])('is never "not configured" when there is %s alone (D12)', async (_, texts, lacks) => {
    expect(await faults(texts)).toContain(
      `/etc/blockhost/provisioner.yaml: the chain is configured in part: ${lacks} missing`,
    );
  });

  it('is none, on an operator’s word, with `chains: []`', async () => {
    expect((await load({ engineEnv: ENV, web3Yaml: WEB3, provisionerYaml: 'chains: []' })).chains).toEqual([]);
  });

  it('takes our lists instead of the engine’s single values', async () => {
    const provisionerYaml = [
      'rpc: [https://a.example, {url: https://b.example, web_socket: wss://b.example}, https://a.example/]',
      `contracts: [{address: ${CONTRACT}}, {address: ${OTHER}, name_prefix: second-}]`,
      'safe: 6',
      'finalized: {depth: 40}',
      'poll_every: 500ms',
    ].join('\n');
    const { chains } = await load({ engineEnv: ENV, web3Yaml: WEB3, provisionerYaml });
    expect(chains).toMatchObject([
      {
        endpoints: [{ url: 'https://a.example/' }, { url: 'https://b.example', webSocketUrl: 'wss://b.example' }],
        contracts: [{ namePrefix: 'blockhost-' }, { namePrefix: 'second-', address: OTHER }],
        safe: { depth: 6 },
        finalized: { depth: 40 },
        pollEveryMs: 500,
      },
    ]);
  });

  it('may be several', async () => {
    const entry = (id: number, contract: string) =>
      `  - {chain_id: ${id}, rpc: [http://a.example], contracts: [${contract}]}\n`;
    const provisionerYaml = `chains:\n${entry(1, `{address: ${CONTRACT}}`)}${entry(10, `{address: ${CONTRACT}, name_prefix: op-}`)}`;
    const { chains } = await load({ provisionerYaml });
    expect(chains.map(({ chainId, contracts }) => [chainId, contracts[0]?.namePrefix])).toEqual([
      [1, 'blockhost-'],
      [10, 'op-'],
    ]);
  });

  it('reads the NFT itself where `entitlement: nft` says so, and nowhere else (D11)', async () => {
    const config = await load({ web3Yaml: WEB3, provisionerYaml: 'entitlement: nft' });
    expect(config.entitlement).toBe('nft');
    expect(config.chains).toMatchObject([{ contracts: [{ kind: 'access-nft', address: NFT }] }]);
    const provisionerYaml = `contracts: [{kind: erc5643, address: ${NFT}}]`;
    expect(await faults({ web3Yaml: WEB3, provisionerYaml })).toContain(
      'contracts[0].kind is erc5643; wants `entitlement: nft`',
    );
  });

  it('warns when two files name different contracts, and follows the engine’s own', async () => {
    const { chains, warnings } = await load({
      engineEnv: ENV,
      web3Yaml: WEB3,
      blockhostYaml: `contract_address: "${OTHER}"`,
    });
    expect(chains[0]?.contracts[0]?.address).toBe(CONTRACT);
    expect(warnings).toContain(
      '/etc/blockhost/blockhost.yaml: the subscription contract differs from the one in /opt/blockhost/.env, which counts',
    );
  });
});

describe('the policy', () => {
  it('takes durations, at the top or in its group, over the days of db.yaml (D1)', async () => {
    const { policy } = await load({
      dbYaml: 'gc_grace_days: 3',
      provisionerYaml:
        'grace: 20s\nsuspend_mode: save\npolicy: {quarantine: 15m, on_missing: create, park_after_failures: 3}',
    });
    expect(policy).toMatchObject({
      graceMs: 20_000,
      suspendMode: 'save',
      quarantineMs: 900_000,
      onMissing: 'create',
      parkAfterFailures: 3,
      shutdownPatienceMs: DEFAULT_POLICY.shutdownPatienceMs,
    });
  });

  it('takes quarantine_hours, and 0 for keeping nothing (D21)', async () => {
    expect((await load({ provisionerYaml: 'quarantine_hours: 2' })).policy.quarantineMs).toBe(7_200_000);
    expect((await load({ provisionerYaml: 'policy: {quarantine: 0}' })).policy.quarantineMs).toBe(0);
  });

  it('sets the breaker key by key, and warns where it is looser than what ships (D28)', async () => {
    const strict = await load({ dbYaml: '', provisionerYaml: 'breaker: {destroy: {count: 1, share: 5%}}' });
    expect(strict.policy.breaker).toEqual({
      suspend: DEFAULT_POLICY.breaker.suspend,
      destroy: { count: 1, share: 0.05, windowMs: 3_600_000 },
    });
    expect(strict.warnings).toEqual([]);
    const loose = await load({ dbYaml: '', provisionerYaml: 'breaker: {destroy: {share: 0.5}}' });
    expect(loose.warnings).toEqual(['/etc/blockhost/provisioner.yaml: breaker.destroy is looser than what ships']);
  });

  it.each(['share: 1', 'share: 100%', 'count: 1000000', 'window: 1s'])(
    'has no value that switches the breaker off: %s',
    async (value) => {
      expect(await faults({ provisionerYaml: `breaker: {destroy: {${value}}}` })).toMatch(
        /breaker\.destroy\.\w+ is .*; wants /,
      );
    },
  );
});

import { describe, expect, it } from 'vitest';
import { ENV, faults, load, NFT, WEB3 } from './files.ts';

const auth = 'auth:\n  otp_length: 8\n  otp_ttl_seconds: 120\n';

describe('what new guests are told', () => {
  it('comes from the engine’s files: chain, contract, endpoint, login settings and the broker’s zone', async () => {
    const brokerAllocation = JSON.stringify({
      prefix: '2001:db8::/120',
      dns_zone: 'vm.example.org.',
      private_key: 'x',
    });
    const { guest } = await load({ engineEnv: ENV, web3Yaml: WEB3 + auth, brokerAllocation });
    expect(guest.settings).toEqual({
      sshKeys: [],
      nameservers: ['1.1.1.1', '9.9.9.9'],
      otpLength: 8,
      otpTtlSeconds: 120,
      dnsZone: 'vm.example.org',
      chainId: 11155111,
      nftContract: NFT,
      rpcUrl: 'https://two.example',
    });
  });

  it('is never an endpoint of ours, whose path may be a key', async () => {
    const provisionerYaml = `rpc: ["https://ours.example/SECRETKEYSECRETKEY"]\nchain_id: 5\ncontracts: [{address: "${NFT}"}]\n`;
    const { guest } = await load({ provisionerYaml });
    expect(JSON.stringify(guest)).not.toContain('SECRETKEY');
  });

  it('is no endpoint of the engine’s that may carry a key, unless provisioner.yaml says so (C12)', async () => {
    const web3Yaml = 'chain_id: 11155111\n';
    const { guest } = await load({ engineEnv: ENV, web3Yaml });
    expect(guest.rpcWithheld).toBe(true);
    expect(JSON.stringify(guest)).not.toContain('one.example');
    const said = await load({
      engineEnv: ENV,
      web3Yaml,
      provisionerYaml: 'cloud_init: {rpc_url: "https://a.example/?key=mine"}\n',
    });
    expect(said.guest).toMatchObject({ rpcWithheld: false, settings: { rpcUrl: 'https://a.example/?key=mine' } });
    expect((await load({ engineEnv: ENV, web3Yaml: WEB3 })).guest.rpcWithheld).toBe(false);
  });

  it('can be said in provisioner.yaml', async () => {
    const provisionerYaml =
      'cloud_init:\n  template: devbox.yaml\n  template_dirs: [/srv/t]\n  ssh_keys: ["ssh-ed25519 AAAA me"]\n  nameservers: ["fd00::53"]\n  rpc_url: https://three.example\n';
    const { guest } = await load({ provisionerYaml }, { BLOCKHOST_ROOT: '/root1' });
    expect(guest.template).toBe('devbox.yaml');
    expect(guest.templateDirs).toEqual([
      '/root1/srv/t',
      '/root1/usr/share/blockhost/cloud-init/templates',
      'cloud-init/templates',
    ]);
    expect(guest.settings).toMatchObject({ sshKeys: ['ssh-ed25519 AAAA me'], rpcUrl: 'https://three.example' });
  });

  it('is checked: a template is a name and a key is a key', async () => {
    expect(await faults({ provisionerYaml: 'cloud_init: {template: ../x}\n' })).toContain('the name of a file');
    expect(await faults({ provisionerYaml: 'cloud_init: {ssh_keys: ["rm -rf /"]}\n' })).toContain('OpenSSH public key');
    expect(await faults({ web3Yaml: 'auth: {otp_length: many}\n' })).toContain('a number of digits from 1 to 64');
  });
});

describe('how tokens are minted', () => {
  it('is with the engine’s key, in each of the spellings it has had', async () => {
    expect((await load({ web3Yaml: 'deployer_key_path: /a/old.key\n' })).mint.keyFile).toBe('/a/old.key');
    const nested = 'deployer:\n  private_key_file: /a/new.key\n';
    expect((await load({ web3Yaml: nested })).mint.keyFile).toBe('/a/new.key');
    const fromEnv = await load({ web3Yaml: nested, engineEnv: 'DEPLOYER_KEY_FILE=/a/env.key\n' });
    expect(fromEnv.mint.keyFile).toBe('/a/env.key');
  });

  it('can be said in provisioner.yaml, below the root like every path', async () => {
    const provisionerYaml =
      'mint: {key_file: /k, password_file: /p, confirmations: 5, stuck_after: 30s, give_up_after: 5m, max_fee_gwei: 2.5}\n';
    expect((await load({ provisionerYaml }, { BLOCKHOST_ROOT: '/r' })).mint).toEqual({
      keyFile: '/r/k',
      passwordFile: '/r/p',
      confirmations: 5,
      stuckAfterMs: 30_000,
      giveUpAfterMs: 300_000,
      maxFeeGwei: 2.5,
    });
  });
});

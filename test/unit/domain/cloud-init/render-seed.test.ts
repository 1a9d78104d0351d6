import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderSeed } from '../../../../src/domain/cloud-init/render-seed.ts';
import type { GuestSettings, SeedMachine, UserDataSource } from '../../../../src/domain/cloud-init/seed-request.ts';

const wallet = '0xAbCdEf0123456789aBcDeF0123456789AbCdEf01';
const machine: SeedMachine = {
  uuid: '11111111-2222-4333-8444-555555555555',
  name: 'blockhost-007',
  mac: '52:54:00:AA:BB:CC',
  ipv4: '192.168.122.7',
  ipv6: '2001:db8::1f',
  username: 'user',
  wallet,
  nftTokenId: 42n,
  secretKey: 'ab'.repeat(32),
};
const settings: GuestSettings = {
  sshKeys: [],
  nameservers: ['1.1.1.1'],
  ipv4Gateway: '192.168.122.1',
  ipv6Prefix: '2001:db8::/120',
  otpLength: 6,
  otpTtlSeconds: 300,
  dnsZone: '',
  chainId: 31337,
  nftContract: `0x${'b2'.repeat(20)}`,
  rpcUrl: 'https://rpc.example/v1',
};
/** As templates write it. */
const braced = (name: string): string => `\${${name}}`;

const everything =
  'VM_NAME VM_FQDN VM_IP VM_IPV6 SIGNING_HOST SIGNING_DOMAIN USERNAME WALLET_ADDRESS NFT_TOKEN_ID OTP_LENGTH OTP_TTL SECRET_KEY SSH_KEYS CHAIN_ID NFT_CONTRACT RPC_URL'.split(
    ' ',
  );

const render = (
  userData: UserDataSource = { kind: 'built-in' },
  change: { machine?: Partial<SeedMachine>; settings?: Partial<GuestSettings> } = {},
) =>
  renderSeed({ machine: { ...machine, ...change.machine }, settings: { ...settings, ...change.settings }, userData });

/** The value of one variable, as a template sees it. */
const variable = (name: string, change: Parameters<typeof render>[1] = {}): string => {
  const { userData } = render({ kind: 'template', text: `Content-Type: x\n\${${name}}|` }, change);
  return userData.slice('Content-Type: x\n'.length, -1);
};

describe('the variables of a template', () => {
  it('are all there, and none is left as a placeholder where it has no value', () => {
    const bare = { machine: { ipv6: '' } };
    for (const name of everything) {
      expect(variable(name)).not.toContain('$');
      expect(variable(name, bare)).not.toContain('$');
    }
  });

  it.each([
    ['2001:db8::1f', 'vm.example.org', '1f.vm.example.org', '1f.vm.example.org', '1f.vm.example.org'],
    [
      '2001:db8:1:2:3:4:5:6',
      'z.example',
      '3000400050006.z.example',
      '3000400050006.z.example',
      '3000400050006.z.example',
    ],
    ['2001:db8::1f', '', '', '[2001:db8::1f]', 'blockhost-007.local'],
    ['', 'vm.example.org', '', '192.168.122.7', 'blockhost-007.local'],
  ])('name the signing page of %j in zone %j', (ipv6, dnsZone, domain, host, fqdn) => {
    const change = { machine: { ipv6 }, settings: { dnsZone } };
    expect(variable('SIGNING_DOMAIN', change)).toBe(domain);
    expect(variable('SIGNING_HOST', change)).toBe(host);
    expect(variable('VM_FQDN', change)).toBe(fqdn);
  });

  it('carry keys as a list below a user, or an empty list', () => {
    const key = 'ssh-ed25519 AAAAC3Nza operator@desk';
    const text = '#cloud-config\nusers:\n  - name: u\n    ssh_authorized_keys: $SSH_KEYS\n';
    const keysOf = (sshKeys: string[]) => parse(substituted(text, sshKeys)).users[0].ssh_authorized_keys;
    const substituted = (template: string, sshKeys: string[]): string => {
      const { userData } = render({ kind: 'template', text: template }, { settings: { sshKeys } });
      return parse(userData)[0].content;
    };
    expect(keysOf([key, key])).toEqual([key, key]);
    expect(keysOf([])).toEqual([]);
  });
});

describe('what lands raw in a guest', () => {
  it.each([
    ['wallet', '0xab",nft=1'],
    ['wallet', '0xab\n'],
    ['wallet', ''],
    ['name', 'a b'],
    ['name', '../etc'],
    ['name', '-rf'],
    ['name', 'a\n'],
    ['username', 'root: x'],
    ['username', 'Ünal'],
    ['username', 'user\n'],
    ['ipv4', '192.168.122.7/24'],
    ['ipv4', '192.168.122.'],
    ['ipv6', 'fd00::1/64'],
    ['mac', '52:54:00:aa:bb'],
    ['secretKey', 'ab'.repeat(31)],
    ['uuid', 'UUID'],
  ] as const)('is refused where %s is %j', (key, value) => {
    expect(() => render(undefined, { machine: { [key]: value } })).toThrow(new RegExp(`^${key} is not fit`));
  });

  it.each([
    ['rpcUrl', 'https://x.example/"; reboot'],
    ['rpcUrl', 'file:///etc/passwd'],
    ['dnsZone', 'a..b'],
    ['dnsZone', "a'b"],
    ['sshKeys', ['ssh-ed25519 AAAA x\n  - other']],
    ['nameservers', ['1.1.1.1"']],
    ['ipv4Gateway', '1.1.1'],
  ] as const)('is refused where %s is %j', (key, value) => {
    expect(() => render(undefined, { settings: { [key]: value } })).toThrow(/is not fit/);
  });

  it('never breaks out of YAML: whatever is accepted reads back as it was given', () => {
    const text = fc.string({ maxLength: 5, unit: fc.constantFrom(...'ab01_-.:"\n ') });
    let accepted = 0;
    fc.assert(
      fc.property(text, text, text, (name, username, owner) => {
        let yaml: string;
        try {
          yaml = render(undefined, {
            machine: { name: `a${name}`, username: `u${username}`, wallet: `0${owner}` },
          }).userData;
        } catch {
          return;
        }
        accepted += 1;
        const { hostname, users } = parse(yaml);
        expect(hostname).toBe(`a${name}`);
        expect(users).toMatchObject([{ name: `u${username}`, gecos: `wallet=0${owner},nft=42` }]);
      }),
      { numRuns: 5000, seed: 7 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});

describe('user-data', () => {
  it('without any template makes the user with wallet and token in its comment, and starts the agent', () => {
    const { userData } = render(undefined, { settings: { sshKeys: ['ssh-ed25519 AAAA me'] } });
    expect(userData.startsWith('#cloud-config\n')).toBe(true);
    expect(parse(userData)).toMatchObject({
      hostname: 'blockhost-007',
      users: [{ name: 'user', gecos: `wallet=${wallet},nft=42`, ssh_authorized_keys: ['ssh-ed25519 AAAA me'] }],
    });
    expect(userData).toContain('qemu-guest-agent');
  });

  it('of a template that sets the comment is the template and nothing else', () => {
    const text = `#cloud-config\nusers:\n  - name: ${braced('USERNAME')}\n    gecos: "wallet=${braced('WALLET_ADDRESS')},nft=$NFT_TOKEN_ID"\n`;
    expect(render({ kind: 'template', text }).userData).toBe(
      `#cloud-config\nusers:\n  - name: user\n    gecos: "wallet=${wallet},nft=42"\n`,
    );
  });

  it('of a template that forgets the comment sets it in a second part', () => {
    const { userData } = render({ kind: 'template', text: '#cloud-config\nhostname: $VM_NAME\n' });
    expect(userData.startsWith('#cloud-config-archive\n')).toBe(true);
    const [first, second] = parse(userData);
    expect(first.content).toBe('#cloud-config\nhostname: blockhost-007\n');
    expect(second.content).toContain(`usermod -c 'wallet=${wallet},nft=42' 'user'`);
  });

  it('that was rendered before keeps its dollars, and gets the comment, too', () => {
    const text = `#!/bin/sh\necho $VM_NAME ${braced('WALLET_ADDRESS')} $$\n`;
    const [first, second] = parse(render({ kind: 'rendered', text }).userData);
    expect(first.content).toBe(text);
    expect(second.content).toContain('usermod');
  });

  it('in a form of its own is left alone', () => {
    for (const text of ['MIME-Version: 1.0\n\nx', '#include\nhttps://x.example\n', '#cloud-config-archive\n[]\n', '']) {
      expect(render({ kind: 'rendered', text }).userData).toBe(text);
    }
  });
});

describe('meta-data and network', () => {
  it('have an instance id that is the machine’s own and stays', () => {
    expect(parse(render().metaData)).toEqual({ 'instance-id': machine.uuid, 'local-hostname': 'blockhost-007' });
    expect(render().metaData).toBe(render().metaData);
  });

  it('give static addresses by MAC, IPv6 as a single one behind a gateway on the link', () => {
    expect(parse(render().networkConfig)).toEqual({
      version: 2,
      ethernets: {
        primary: {
          match: { macaddress: '52:54:00:aa:bb:cc' },
          'set-name': 'eth0',
          dhcp4: false,
          dhcp6: false,
          'accept-ra': false,
          addresses: ['192.168.122.7/24', '2001:db8::1f/128'],
          routes: [
            { to: '0.0.0.0/0', via: '192.168.122.1' },
            { to: '::/0', via: '2001:db8::1', 'on-link': true },
          ],
          nameservers: { addresses: ['1.1.1.1'] },
        },
      },
    });
  });

  it('speak of no IPv6 where there is none', () => {
    const { networkConfig } = render(undefined, { machine: { ipv6: '' } });
    expect(networkConfig).not.toContain('::');
  });
});

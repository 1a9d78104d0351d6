import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/domain/errors.ts';
import { CONTRACT, ENV, faults, load, type Texts, WEB3 } from './files.ts';

const OURS = '/etc/blockhost/provisioner.yaml';
const DB = '/etc/blockhost/db.yaml';

const A_LINE = 'a'.repeat(60);

describe('one fault', () => {
  it.each<[string, Texts, string]>([
    [
      'a number without a unit',
      { provisionerYaml: 'grace: 30' },
      `${OURS}: grace is 30; wants a duration such as 90s, 15m, 24h or 7d, from 0s to 3650d`,
    ],
    [
      'a wrong word',
      { provisionerYaml: 'suspend_mode: hibernate' },
      `${OURS}: suspend_mode is "hibernate"; wants shutdown or save`,
    ],
    [
      'a wrong type',
      { provisionerYaml: 'policy: [1]' },
      `${OURS}: policy is a list of 1; wants the keys of the policy`,
    ],
    ['an empty key of ours', { provisionerYaml: 'policy:' }, `${OURS}: policy is empty; wants the keys of the policy`],
    [
      'a number out of range',
      { provisionerYaml: 'max_parallel_steps: 0' },
      `${OURS}: max_parallel_steps is 0; wants a whole number from 1 to 64`,
    ],
    [
      'a missing key in a list',
      { provisionerYaml: 'chains: [{chain_id: 1, rpc: [http://a.example], contracts: [{}]}]' },
      `${OURS}: chains[0].contracts[0].address is missing; wants an address: 0x and 40 hexadecimal digits`,
    ],
    [
      'a wrong endpoint',
      { provisionerYaml: 'rpc: [ftp://a.example/KEYKEYKEY]' },
      `${OURS}: rpc[0] is "ftp://a.example/…"; wants a URL that begins with http:// or https://`,
    ],
    [
      'a package that is an option',
      { provisionerYaml: 'template: {packages: [--purge]}' },
      `${OURS}: template.packages[0] is "--purge"; wants the name of a Debian package`,
    ],
    [
      'a size without a unit',
      { provisionerYaml: 'template: {size: "30"}' },
      `${OURS}: template.size is "30"; wants a size from 1G to 1024G`,
    ],
    [
      'half a checksum',
      { provisionerYaml: 'template: {checksum: "sha256:abc"}' },
      `${OURS}: template.checksum is "sha256:abc"; wants sha256:HEX or sha512:HEX`,
    ],
    [
      'a long list for a key',
      { provisionerYaml: `template: {[${A_LINE}, ${A_LINE}b]: 1}` },
      `${OURS}: unknown key template.[ ${A_LINE}, ${A_LINE}b ]`,
    ],
    ['a mistyped key', { provisionerYaml: 'grase: 7d' }, `${OURS}: unknown key grase; did you mean grace?`],
    [
      'a mistyped key in a group',
      { provisionerYaml: 'policy: {shutdown_patiense: 7s}' },
      `${OURS}: unknown key policy.shutdown_patiense; did you mean policy.shutdown_patience?`,
    ],
    [
      'a key out of its group',
      { provisionerYaml: 'shutdown_patience: 7s' },
      `${OURS}: unknown key shutdown_patience; did you mean policy.shutdown_patience?`,
    ],
    [
      'a mistyped key in a list',
      { provisionerYaml: 'chains: [{chainid: 1}]' },
      `${OURS}: unknown key chains[0].chainid; did you mean chains[].chain_id?`,
    ],
    ['a key like no other', { provisionerYaml: 'xyzzyxyzzyxyzzy: 1' }, `${OURS}: unknown key xyzzyxyzzyxyzzy`],
    [
      'one word twice',
      { provisionerYaml: 'grace: 1d\npolicy: {grace: 2d}' },
      `${OURS}: grace is given at the top and as policy.grace; wants it in one place`,
    ],
    [
      'both spellings of quarantine',
      { provisionerYaml: 'quarantine: 1d\nquarantine_hours: 24' },
      `${OURS}: has both quarantine and quarantine_hours; wants one`,
    ],
    [
      'pauses the wrong way round',
      { provisionerYaml: 'policy: {backoff_first: 30s, backoff_max: 1s}' },
      `${OURS}: policy.backoff_first is longer than policy.backoff_max; wants the first to be the shorter`,
    ],
    [
      'days that are none',
      { dbYaml: 'gc_grace_days: soon' },
      `${DB}: gc_grace_days is "soon"; wants a whole number of days from 0 to 3650`,
    ],
    [
      'negative days',
      { dbYaml: 'gc_grace_days: -1' },
      `${DB}: gc_grace_days is -1; wants a whole number of days from 0 to 3650`,
    ],
    [
      'a relative path',
      { dbYaml: 'db_file: vms.json' },
      `${DB}: db_file is "vms.json"; wants an absolute path without ..`,
    ],
    [
      'a path that climbs',
      { dbYaml: 'storage_path: /var/../etc' },
      `${DB}: storage_path is "/var/../etc"; wants an absolute path without ..`,
    ],
    [
      'a bridge that is an option',
      { dbYaml: 'bridge: "--help"' },
      `${DB}: bridge is "--help"; wants the name of a bridge: letters, digits, dot, dash and underscore, not beginning with a dash`,
    ],
    [
      'a network that is no /24',
      { dbYaml: 'ip_pool: {network: 10.0.0.0/8}' },
      `${DB}: ip_pool.network is "10.0.0.0/8"; wants a /24 such as 192.168.122.0/24`,
    ],
    [
      'an address of another network',
      { dbYaml: 'ip_pool: {network: 10.0.0.0/24, start: 10.0.1.4}' },
      `${DB}: ip_pool.start is "10.0.1.4"; wants a number from 1 to 254 or an address in 10.0.0.0/24`,
    ],
    [
      'a pool from end to start',
      { dbYaml: 'ip_pool: {network: 10.0.0.0/24, start: 9, end: 3}' },
      `${DB}: ip_pool runs from 10.0.0.9 to 10.0.0.3; wants start first`,
    ],
    ['a file that is a list', { dbYaml: '- a\n- b' }, `${DB}: holds a list; wants keys with values`],
    ['a file that is a word', { dbYaml: 'hello' }, `${DB}: holds a string; wants keys with values`],
    [
      'a tab',
      { dbYaml: 'ip_pool:\n\tnetwork: 1' },
      `${DB}: line 2, column 1: a tab is used to indent; YAML takes spaces only`,
    ],
    ['one key twice', { dbYaml: 'bridge: a\nbridge: b' }, `${DB}: line 2, column 1: this key is given twice`],
    [
      'two documents',
      { dbYaml: 'a: 1\n---\nb: 2' },
      `${DB}: line 2, column 1: a second document (---) begins; wants one`,
    ],
    ['an open quote', { dbYaml: 'a: "x' }, `${DB}: line 1, column 6: a closing quote, bracket or comma is missing`],
    ['a bomb of aliases', { dbYaml: bomb() }, `${DB}: its aliases (*name) point nowhere or multiply beyond measure`],
    [
      'JSON that is none',
      { brokerAllocation: '{"wg_private_key": "TOPSECRET", }' },
      '/etc/blockhost/broker-allocation.json: this is not JSON',
    ],
    [
      'an IPv6 prefix that is none',
      { brokerAllocation: '{"prefix": "10.0.0.0/8"}' },
      '/etc/blockhost/broker-allocation.json: prefix is "10.0.0.0/8"; wants an IPv6 network such as 2001:db8::/120',
    ],
    [
      'an endpoint that is none',
      { engineEnv: 'RPC_URL=wss://a.example/KEYKEYKEY' },
      '/opt/blockhost/.env: RPC_URL is "wss://a.example/…"; wants a URL that begins with http:// or https://',
    ],
    [
      'an open quote for an endpoint',
      { engineEnv: 'RPC_URL="http://a.example' },
      '/opt/blockhost/.env: RPC_URL has a quote that is not closed',
    ],
    [
      'an address that is none',
      { blockhostYaml: 'contract_address: "0x12"' },
      '/etc/blockhost/blockhost.yaml: contract_address is "0x12"; wants an address: 0x and 40 hexadecimal digits',
    ],
    [
      'chains beside a chain',
      { provisionerYaml: 'chains: []\nchain_id: 1' },
      `${OURS}: has both chains and chain_id; wants chain_id within an entry of chains`,
    ],
    [
      'one prefix twice',
      {
        provisionerYaml: `contracts: [{address: ${CONTRACT}}, {address: "0x${'c3'.repeat(20)}", name_prefix: blockhost-}]`,
        web3Yaml: WEB3,
      },
      `${OURS}: contracts[1].name_prefix is "blockhost-", as that of contracts[0]; wants a prefix of its own`,
    ],
    [
      'no prefix for the second contract',
      { provisionerYaml: `contracts: [{address: ${CONTRACT}}, {address: "0x${'c3'.repeat(20)}"}]`, web3Yaml: WEB3 },
      `${OURS}: contracts[1].name_prefix is missing; wants a prefix of its own: only the first contract has a default`,
    ],
    [
      'another prefix for the first contract',
      { provisionerYaml: `contracts: [{address: ${CONTRACT}, name_prefix: vm-}]`, web3Yaml: WEB3 },
      `${OURS}: contracts[0].name_prefix is "vm-"; wants "blockhost-", for the engine names its machines so`,
    ],
    [
      'one chain twice',
      {
        provisionerYaml: `chains: [{chain_id: 1, rpc: [http://a.example], contracts: [{address: ${CONTRACT}}]}, {chain_id: 1, rpc: [http://a.example], contracts: [{address: ${CONTRACT}, name_prefix: b-}]}]`,
      },
      `${OURS}: chains has chain_id 1 twice; wants one entry per chain`,
    ],
  ])('is one sentence with file, key, what was found and what is wanted: %s', async (_, texts, sentence) => {
    expect(await faults(texts)).toBe(sentence);
  });
});

function bomb(): string {
  const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [i, name] of ['b', 'c', 'd', 'e', 'f', 'g'].entries()) {
    lines.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdef'[i]}`).join(', ')}]`);
  }
  return lines.join('\n');
}

describe('many faults', () => {
  it('are told all at once, file by file', async () => {
    const message = await faults({
      dbYaml: 'gc_grace_days: x\nbridge: 7',
      provisionerYaml: 'grase: 1d\nsweep_every: 1y',
      engineEnv: 'RPC_URL=no',
    });
    expect(message.split('\n')[0]).toBe('5 problems in the configuration:');
    for (const part of ['gc_grace_days', 'bridge', 'grase', 'sweep_every', 'RPC_URL']) expect(message).toContain(part);
  });
});

describe('secrets', () => {
  it('are in no message, whatever is wrong with the file that holds them', async () => {
    const secret = 'TOPSECRETTOPSECRET';
    const plain: Texts[] = [
      { engineEnv: `RPC_URL=wss://u:${secret}@a.example/${secret}?k=${secret}` },
      { engineEnv: `RPC_URL=a.example/${secret}` },
      { provisionerYaml: `rpc: [a.example/v9/${secret}]` },
      { provisionerYaml: `"https://a.example/${secret}": 1` },
      { engineEnv: `RPC_URL="https://a.example/${secret}` },
      { provisionerYaml: `rpc: [{url: "ws://a.example/${secret}"}]` },
      { provisionerYaml: `rpc: ["https://a.example/${secret}"\nx` },
      { web3Yaml: `rpc_url: "https://a.example/${secret}"\nrpc_url: 1` },
      { brokerAllocation: `{"wg_private_key": "${secret}" "x"` },
      { brokerAllocation: `"${secret}"` },
      { engineEnv: `${ENV}\nRPC_URL=https://a.example/${secret}` },
    ];
    for (const texts of plain) expect(await faults(texts)).not.toContain(secret);
  });
});

describe('whatever the files hold', () => {
  const junk = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc
      .array(
        fc.tuple(
          fc.constantFrom('grace', 'rpc', 'policy', 'chains', 'db_file', 'ip_pool', 'blockchain', '__proto__'),
          fc.json(),
        ),
      )
      .map((pairs) => pairs.map(([key, value]) => `${key}: ${value}`).join('\n')),
  );
  it('loading ends in a configuration or in a ConfigError, never in anything else', async () => {
    const names = ['dbYaml', 'provisionerYaml', 'web3Yaml', 'blockhostYaml', 'brokerAllocation', 'engineEnv'] as const;
    const seen = { loaded: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), junk, async (name, text) => {
        try {
          await load({ [name]: text });
          seen.loaded += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          seen.refused += 1;
        }
      }),
      { numRuns: 300 },
    );
    expect(Math.min(seen.loaded, seen.refused)).toBeGreaterThan(10);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namesHash, namesSecret, redact, redactUrl, secretsInUrls } from '../../../../src/drivers/log/redact.ts';

const KEY = `0x${'0123456789abcdef'.repeat(4)}`;

describe('redact', () => {
  it.each([
    ['https://mainnet.example/v3/abcdef0123456789', 'https://mainnet.example/…'],
    ['https://user:pa@ss@node.example:8545', 'https://node.example:8545/…'],
    ['wss://node.example/?apikey=1', 'wss://node.example/…'],
    ['http://127.0.0.1:8545', 'http://127.0.0.1:8545'],
    ['http://127.0.0.1:8545/', 'http://127.0.0.1:8545/'],
    ['(see https://a.example/v2/secret).', '(see https://a.example/…).'],
    ['{"url":"https://a.example/secret","x":1}', '{"url":"https://a.example/…","x":1}'],
    ['https://u:sla/sh@a.example', 'https://…/…'],
    ['qemu+ssh://root:pw@host/system', 'qemu+ssh://host/system'],
    ['qemu:///system', 'qemu:///system'],
    ['POST /v3/abcdef0123456789 HTTP/1.1', 'POST /v3/… HTTP/1.1'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: [redacted]'],
    ['sent Bearer abc.def-ghi1 to it', 'sent Bearer [redacted] to it'],
    ['password=hunter2 user=x', 'password=[redacted] user=x'],
    ['{"privateKey":"abc"}', '{"privateKey":"[redacted]"}'],
    [`a key ${KEY}`, 'a key 0x012345…'],
    ['nft_token_id: 42, tokenId=7', 'nft_token_id: 42, tokenId=7'],
    ['blockhost-001 suspended at 12:03:04', 'blockhost-001 suspended at 12:03:04'],
  ])('turns %j into %j', (text, wanted) => {
    expect(redact(text)).toBe(wanted);
  });

  it('leaves an address and a short hex number alone', () => {
    const text = `owner 0x${'ab'.repeat(20)} at block 0x1f`;
    expect(redact(text)).toBe(text);
  });

  it('takes out known secrets wherever they stand', () => {
    expect(redact('ENOTFOUND abcdefgh in /abcdefgh', ['abcdefgh'])).toBe('ENOTFOUND [redacted] in /[redacted]');
  });

  it('never lets a user part, a path or a query of a URL through', () => {
    const token = fc.stringMatching(/^[A-Za-z0-9_%~.-]{8,40}$/);
    const url = fc.record({
      scheme: fc.constantFrom('https', 'http', 'ws', 'wss', 'HTTPS'),
      user: token,
      password: token,
      path: token,
      query: token,
    });
    fc.assert(
      fc.property(url, fc.string(), fc.constantFrom(' ', '"', '\n', ')', ', '), (parts, before, after) => {
        const { scheme, user, password, path, query } = parts;
        const out = redact(`${before} ${scheme}://${user}:${password}@node.example/${path}?k=${query}${after}end`);
        for (const secret of [user, password, path, query]) expect(out).not.toContain(`${secret}`.replace(/\.+$/, ''));
      }),
    );
  });

  it('is the same when it is done twice', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[ap:/@.?=x "]{0,40}$/));
    fc.assert(
      fc.property(text, (value) => {
        expect(redact(redact(value))).toBe(redact(value));
      }),
    );
    expect(redactUrl(redactUrl('https://a.example/x'))).toBe('https://a.example/…');
  });
});

describe('secretsInUrls', () => {
  it('names what is long enough to be a secret, longest first', () => {
    const urls = ['https://alice:opensesame@a.example/v3/0123456789abcdef?x=12345678', 'http://127.0.0.1:8545/'];
    expect(secretsInUrls(urls)).toEqual(['0123456789abcdef', 'opensesame', '12345678']);
  });
});

describe('names of fields', () => {
  it.each([
    'password',
    'PRIVATE_KEY',
    'deployerKey',
    'apiKey',
    'X-Api-Key',
    'token',
    'accessToken',
    'user_signature',
    'SECRET_KEY',
    'wg-private-key',
  ])('%s is a secret’s', (name) => expect(namesSecret(name)).toBe(true));
  it.each(['tokenId', 'nft_token_id', 'nftToken', 'key', 'vm', 'credentialNft', 'subscriptionKey'])(
    '%s is not',
    (name) => expect(namesSecret(name)).toBe(false),
  );
  it.each(['hash', 'blockHash', 'parentHash', 'txHash', 'topics', 'stateRoot', 'finalized'])('%s is a hash’s', (name) =>
    expect(namesHash(name)).toBe(true),
  );
});

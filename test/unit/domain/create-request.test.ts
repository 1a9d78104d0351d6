import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerLine } from '../../../src/domain/create-answer.ts';
import { type CreateDefaults, parseCreateRequest, type RawCreateRequest } from '../../../src/domain/create-request.ts';
import { BlockhostError } from '../../../src/domain/errors.ts';

const WALLET = '0x00000000000000000000000000000000000000A1';
const DEFAULTS: CreateDefaults = { expiryDays: 30, walletPattern: undefined, engineMints: false };
const read = (more: Partial<RawCreateRequest>, defaults: Partial<CreateDefaults> = {}) =>
  parseCreateRequest({ name: 'testbox', ownerWallet: WALLET, ...more }, { ...DEFAULTS, ...defaults });

describe('the command line of a create (contract §2)', () => {
  it('has the defaults of the contract', () => {
    expect(read({})).toEqual({
      name: 'testbox',
      owner: '0x00000000000000000000000000000000000000a1',
      cpus: 1,
      memoryMib: 2048,
      diskGib: 20,
      expiryDays: 30,
      username: 'user',
      apply: false,
      mint: false,
      mock: false,
    });
  });

  it.each([
    [{ name: '' }, /name wants a letter first/],
    [{ name: '7up' }, /name wants a letter first/],
    [{ name: 'a'.repeat(64) }, /at most 63/],
    [{ name: 'box-' }, /no dash at the end/],
    [{ name: '../../etc' }, /name wants/],
    [{ name: 'box\n' }, /name wants/],
    [{ name: 'a b' }, /name wants/],
    [{ name: 'Yes' }, /YAML/],
    [{ name: 'null' }, /YAML/],
    [{ name: 'a0000000-0000-4000-8000-000000000001' }, /UUID/],
    [{ ownerWallet: '0x12' }, /--owner-wallet wants an address/],
    [{ ownerWallet: `0x${'0'.repeat(40)}` }, /zero address/],
    [{ ownerWallet: `${WALLET}\n` }, /--owner-wallet wants/],
    [{ cpu: '0' }, /--cpu wants a whole number from 1 to 64/],
    [{ cpu: '65' }, /--cpu wants/],
    [{ cpu: '1.5' }, /--cpu wants/],
    [{ cpu: '0x2' }, /--cpu wants/],
    [{ memory: '255' }, /--memory wants/],
    [{ memory: '1e4' }, /--memory wants/],
    [{ disk: '0' }, /--disk wants/],
    [{ disk: '99999999999' }, /--disk wants/],
    [{ expiryDays: '-1' }, /--expiry-days wants/],
    [{ username: 'Root' }, /--username wants/],
    [{ username: 'root' }, /user of his own/],
    [{ username: 'a;reboot' }, /--username wants/],
    [{ nftTokenId: '0' }, /token 0 is the administrator's/],
    [{ nftTokenId: '1n' }, /--nft-token-id wants/],
    [{ userSignature: '0xabc', publicSecret: 'x' }, /--user-signature wants hexadecimal/],
    [{ userSignature: '0xab' }, /wants --public-secret/],
    [{ publicSecret: 'a\u0007' }, /--public-secret wants/],
    [{ cloudInitContent: '' }, /--cloud-init-content wants/],
  ] as const)('refuses %j in one sentence', (more, wanted) => {
    expect(() => read(more)).toThrow(wanted);
    expect(() => read(more)).toThrow(BlockhostError);
  });

  it('takes 0 days: an engine rounds what is left of a subscription', () => {
    expect(read({ expiryDays: '0' }).expiryDays).toBe(0);
  });

  it('takes the wallets of an engine that has its own, and nothing that could leave its place in YAML', () => {
    const walletPattern = '^.+$';
    expect(read({ ownerWallet: 'bc1qxyz' }, { walletPattern }).owner).toBe('bc1qxyz');
    for (const ownerWallet of ['a b', "a'", 'a:b', 'a\nb', 'a,nft=1'])
      expect(() => read({ ownerWallet }, { walletPattern })).toThrow(/--owner-wallet/);
    expect(() => read({ ownerWallet: 'bc1qxyz' }, { walletPattern: '^0x' })).toThrow(/no wallet of the engine/);
    expect(() => read({ ownerWallet: 'bc1qxyz' }, { walletPattern: '(' })).toThrow(/no wallet of the engine/);
  });

  it('mints only with --apply, without --mock, --no-mint and --skip-mint, and where no engine does (interop §2)', () => {
    expect(read({ apply: true }).mint).toBe(true);
    expect(read({}).mint).toBe(false);
    expect(read({ apply: true, mock: true }).mint).toBe(false);
    expect(read({ apply: true, mint: false }).mint).toBe(false);
    expect(read({ apply: true, skipMint: true }).mint).toBe(false);
    expect(read({ apply: true }, { engineMints: true }).mint).toBe(false);
  });

  it('is either understood or refused, whatever it is, and what is understood is fit for YAML and file names', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z0-9-]{1,20}$/), fc.constant(WALLET));
    fc.assert(
      fc.property(fc.record({ name: text, ownerWallet: text, cpu: text, username: text }), (raw) => {
        try {
          const request = parseCreateRequest(raw, DEFAULTS);
          expect(request.name).toMatch(/^[A-Za-z][A-Za-z0-9-]*$/);
          expect(request.owner).toMatch(/^0x[0-9a-f]{40}$/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-input' });
        }
      }),
    );
  });
});

describe('the answer', () => {
  it('is one line of JSON whose token id has all its digits', () => {
    const nftTokenId = 2n ** 200n;
    const line = answerLine({ name: 'testbox', ipv4: '192.168.122.2', ipv6: '', nftTokenId, username: 'user' });
    expect(line).toBe(
      `{"status":"ok","vm_name":"testbox","ip":"192.168.122.2","ipv6":"","vmid":"testbox","nft_token_id":${nftTokenId},"username":"user"}`,
    );
    expect(Object.keys(JSON.parse(line))).toHaveLength(7);
  });
});

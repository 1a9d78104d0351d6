import { Interface } from 'ethers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessNftAdapter } from '../../../../src/drivers/chain/access-nft-adapter.ts';
import {
  type CallResult,
  type ContractAdapter,
  NEVER_EXPIRES_UNIX,
} from '../../../../src/drivers/chain/contract-adapter.ts';
import { erc5643Adapter } from '../../../../src/drivers/chain/erc5643-adapter.ts';
import type { RawLog } from '../../../../src/drivers/chain/rpc-schema.ts';
import { subscriptionsAdapter } from '../../../../src/drivers/chain/subscriptions-adapter.ts';
import { ZERO } from '../../../../src/simulator/models/model-chain.ts';
import { nftInterface, subscriptionsInterface } from '../../../models/interfaces.ts';

const CONTRACT = '0x00000000000000000000000000000000000000a1';

const accessInterface = new Interface([
  'event CredentialUpdated(uint256 indexed tokenId)',
  'function getAccessData(uint256) view returns (bytes userEncrypted, string decryptMessage, uint256 issuedAt, uint256 expiresAt)',
]);
const accessV0Interface = new Interface([
  'function getAccessData(uint256) view returns (bytes serverEncrypted, bytes userEncrypted, string decryptMessage, uint256 issuedAt, uint256 expiresAt)',
]);
const erc5643Interface = new Interface([
  'event SubscriptionUpdate(uint256 indexed tokenId, uint64 expiration)',
  'function expiresAt(uint256) view returns (uint64)',
]);

const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const someone = fc
  .bigInt({ min: 1n, max: 2n ** 160n - 1n })
  .map((value) => `0x${value.toString(16).padStart(40, '0')}`);
const bytes = fc.uint8Array({ maxLength: 90 }).map((value) => `0x${Buffer.from(value).toString('hex')}`);

const logOf = (source: Interface, event: string, values: readonly unknown[]): RawLog => {
  const { data, topics } = source.encodeEventLog(event, values);
  return {
    address: CONTRACT,
    topics: topics as `0x${string}`[],
    data: data as `0x${string}`,
    blockNumber: 1n,
    blockHash: `0x${'1'.repeat(64)}`,
    logIndex: 0n,
  };
};
const ok = (data: string): CallResult => ({ ok: true, data: data as `0x${string}` });
const ask = (adapter: ContractAdapter, id: bigint, ...results: readonly CallResult[]) =>
  adapter.entitlement(CONTRACT, id).answer(results);
const owned = (owner: string) => ok(nftInterface.encodeFunctionResult('ownerOf', [owner]));

describe('what ethers encodes, our adapters read', () => {
  it('logs of BlockhostSubscriptions', () => {
    fc.assert(
      fc.property(uint256, uint256, someone, uint256, bytes, (id, plan, who, amount, blob) => {
        const created = logOf(subscriptionsInterface, 'SubscriptionCreated', [
          id,
          plan,
          who,
          amount,
          amount,
          who,
          blob,
        ]);
        expect(subscriptionsAdapter.touch(created)).toEqual({ id, what: 'subscription created' });
        const extended = logOf(subscriptionsInterface, 'SubscriptionExtended', [id, plan, who, amount, amount, who]);
        expect(subscriptionsAdapter.touch(extended)).toEqual({ id, what: 'subscription extended' });
        const cancelled = logOf(subscriptionsInterface, 'SubscriptionCancelled', [id, plan, who]);
        expect(subscriptionsAdapter.touch(cancelled)).toEqual({ id, what: 'subscription cancelled' });
      }),
    );
  });

  it('logs of the token contracts', () => {
    fc.assert(
      fc.property(uint256, someone, someone, uint64, (id, from, to, expiration) => {
        for (const adapter of [accessNftAdapter, erc5643Adapter]) {
          expect(adapter.touch(logOf(nftInterface, 'Transfer', [from, to, id]))).toEqual({
            id,
            what: 'token transferred',
          });
          expect(adapter.touch(logOf(nftInterface, 'Transfer', [ZERO, to, id]))).toEqual({ id, what: 'token minted' });
        }
        expect(accessNftAdapter.touch(logOf(accessInterface, 'CredentialUpdated', [id])).id).toBe(id);
        expect(erc5643Adapter.touch(logOf(erc5643Interface, 'SubscriptionUpdate', [id, expiration])).id).toBe(id);
      }),
    );
  });

  it('a log cut short is refused, wherever it is cut (C3)', () => {
    const whole = logOf(subscriptionsInterface, 'SubscriptionCreated', [7, 1, CONTRACT, 9, 9, CONTRACT, '0x1234']);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: (whole.data.length - 2) / 2 - 33 }), (length) => {
        const data = whole.data.slice(0, 2 + 2 * length) as `0x${string}`;
        expect(() => subscriptionsAdapter.touch({ ...whole, data })).toThrow();
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 }), (topics) => {
        expect(() => subscriptionsAdapter.touch({ ...whole, topics: whole.topics.slice(0, topics) })).toThrow();
      }),
    );
  });

  it('subscriptions; isActive is never looked at (C4)', () => {
    fc.assert(
      fc.property(
        uint256,
        someone,
        uint256,
        fc.boolean(),
        fc.boolean(),
        (id, owner, expiresAtUnix, active, cancelled) => {
          const data = subscriptionsInterface.encodeFunctionResult('getSubscription', [
            1,
            owner,
            expiresAtUnix,
            active,
            cancelled,
          ]);
          expect(ask(subscriptionsAdapter, id, ok(data))).toEqual({
            ok: true,
            value: { id, owner, expiresAtUnix, cancelled },
          });
        },
      ),
    );
    const none = subscriptionsInterface.encodeFunctionResult('getSubscription', [0, ZERO, 0, false, false]);
    expect(ask(subscriptionsAdapter, 3n, ok(none))).toMatchObject({ ok: false, absent: true });
  });

  it('the older credential contract in both its shapes; 0 never expires', () => {
    fc.assert(
      fc.property(uint256, someone, uint256, uint256, bytes, fc.string(), (id, owner, issued, expires, blob, text) => {
        const expiresAtUnix = expires === 0n ? NEVER_EXPIRES_UNIX : expires;
        const shapes = [
          accessInterface.encodeFunctionResult('getAccessData', [blob, text, issued, expires]),
          accessV0Interface.encodeFunctionResult('getAccessData', [blob, blob, text, issued, expires]),
        ];
        for (const data of shapes) {
          expect(ask(accessNftAdapter, id, ok(data), owned(owner))).toEqual({
            ok: true,
            value: { id, owner, expiresAtUnix, cancelled: false },
          });
        }
      }),
    );
    const never = accessInterface.encodeFunctionResult('getAccessData', ['0x', '', 5, 0]);
    expect(ask(accessNftAdapter, 1n, ok(never), owned(CONTRACT))).toMatchObject({
      value: { expiresAtUnix: NEVER_EXPIRES_UNIX },
    });
    expect(new Date(Number(NEVER_EXPIRES_UNIX) * 1000).toISOString()).toBe('9999-12-31T23:59:59.000Z');
  });

  it('ERC-5643; 0 is cancelled', () => {
    fc.assert(
      fc.property(uint256, someone, uint64, (id, owner, expiresAtUnix) => {
        const data = erc5643Interface.encodeFunctionResult('expiresAt', [expiresAtUnix]);
        const value = { id, owner, expiresAtUnix, cancelled: expiresAtUnix === 0n };
        expect(ask(erc5643Adapter, id, ok(data), owned(owner))).toEqual({ ok: true, value });
      }),
    );
  });

  it('a revert in any of the calls is unknown and never an answer', () => {
    const refused: CallResult = { ok: false, why: 'the contract refused the call' };
    const data = ok(erc5643Interface.encodeFunctionResult('expiresAt', [5]));
    expect(ask(erc5643Adapter, 1n, data, refused)).toEqual({ ok: false, why: refused.why });
    expect(ask(erc5643Adapter, 1n, refused, owned(CONTRACT))).toEqual({ ok: false, why: refused.why });
    expect(ask(subscriptionsAdapter, 1n, refused)).toEqual({ ok: false, why: refused.why });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregated, callsOf, idIn, SELECTOR, TOPIC, words, wordsAndBytes } from '../../../src/simulator/models/abi.ts';
import { ZERO } from '../../../src/simulator/models/model-chain.ts';
import { multicallInterface, nftInterface, subscriptionsInterface } from '../../models/interfaces.ts';

const address = fc.bigInt({ min: 0n, max: 2n ** 160n - 1n }).map((n) => `0x${n.toString(16).padStart(40, '0')}`);
const uint = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const bytes = fc.uint8Array({ maxLength: 100 }).map((data) => `0x${Buffer.from(data).toString('hex')}`);

describe('the ABI that model nodes speak', () => {
  it('has the selectors and topics that ethers works out', () => {
    const functions = { getSubscription: 1, nextSubscriptionId: 1, ownerOf: 2, totalSupply: 2, aggregate3: 3 };
    const sources = [subscriptionsInterface, nftInterface, multicallInterface];
    for (const [name, which] of Object.entries(functions)) {
      expect(sources[which - 1]?.getFunction(name)?.selector).toBe(SELECTOR[name as keyof typeof SELECTOR]);
    }
    for (const [name, topic] of Object.entries(TOPIC)) {
      const source = name === 'Transfer' ? nftInterface : subscriptionsInterface;
      expect(source.getEvent(name)?.topicHash).toBe(topic);
    }
  });

  it('encodes words, and bytes after them, as ethers does', () => {
    fc.assert(
      fc.property(uint, address, fc.boolean(), uint, bytes, (a, who, yes, b, tail) => {
        expect(words(a, who, b, yes, !yes)).toBe(
          subscriptionsInterface.encodeFunctionResult('getSubscription', [a, who, b, yes, !yes]),
        );
        const values = [1n, 2n, ZERO, a, b, who, tail];
        const { data } = subscriptionsInterface.encodeEventLog('SubscriptionCreated', values);
        expect(wordsAndBytes([a, b, who], tail)).toBe(data);
        const call = subscriptionsInterface.encodeFunctionData('getSubscription', [a]);
        expect(idIn(call)).toBe(a);
      }),
      { numRuns: 50 },
    );
  });

  it('reads the calls of a multicall and answers them as ethers would', () => {
    const call = fc.record({ target: address, data: bytes });
    fc.assert(
      fc.property(
        fc.array(call, { maxLength: 8 }),
        fc.array(fc.option(bytes, { nil: undefined })),
        (calls, results) => {
          const asked = calls.map(({ target, data }) => ({ target, allowFailure: true, callData: data }));
          expect(callsOf(multicallInterface.encodeFunctionData('aggregate3', [asked]))).toEqual(calls);
          const answers = results.map((data) => [data !== undefined, data ?? '0x']);
          expect(aggregated(results)).toBe(multicallInterface.encodeFunctionResult('aggregate3', [answers]));
        },
      ),
      { numRuns: 50 },
    );
  });
});

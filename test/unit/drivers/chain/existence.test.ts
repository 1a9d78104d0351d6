import { describe, expect, it } from 'vitest';
import { refForName, refsForName } from '../../../../src/drivers/chain/name-binding.ts';
import { NFT, OWNER, SUBSCRIPTIONS } from '../../../../src/simulator/models/model-chain.ts';
import { createChainLab, EXPIRY, ref, settingsFor } from './support.ts';

describe('what a create asks of a chain (D9)', () => {
  it('is told of a subscription that is there, and apart from that of one that is not', async () => {
    const lab = createChainLab();
    lab.mine([{ kind: 'buy', expiresAt: EXPIRY }]);
    expect(await lab.reader.subscription(ref(1n))).toMatchObject({
      known: true,
      value: { id: 1n, owner: OWNER, expiresAtUnix: EXPIRY, atBlock: { number: 1n } },
    });
    expect(await lab.reader.subscription(ref(2n))).toMatchObject({
      known: true,
      value: { absent: true, atBlock: { number: 1n } },
    });
  });

  it('is told "unknown" by a chain that does not answer, and by a contract that is not configured (L3)', async () => {
    const lab = createChainLab();
    lab.mine([{ kind: 'buy', expiresAt: EXPIRY }]);
    expect(await lab.reader.subscription({ ...ref(1n), contract: NFT })).toMatchObject({ known: false });
    lab.node(0).faults.fail = 'refused';
    expect(await lab.reader.subscription(ref(1n))).toMatchObject({ known: false });
    expect(await lab.reader.credentialSupply(undefined)).toMatchObject({ known: false });
  });

  it('sees every contract that a name could mean, the longest prefix first', () => {
    const [contract] = settingsFor(1).contracts;
    if (!contract) throw new Error('no contract');
    const settings = [
      settingsFor(1, {
        contracts: [
          { ...contract, namePrefix: 'blockhost-' },
          { ...contract, address: NFT, namePrefix: 'blockhost-1' },
        ],
      }),
    ];
    expect(
      refsForName(settings, 'blockhost-1007').map(({ contract: at, subscriptionId }) => [at, subscriptionId]),
    ).toEqual([
      [NFT, 7n],
      [SUBSCRIPTIONS, 1007n],
    ]);
    expect(refForName(settings, 'blockhost-1007')).toMatchObject({ contract: NFT });
    expect(refsForName(settings, 'blockhost-2007')).toHaveLength(1);
    expect(refsForName(settings, 'testbox')).toEqual([]);
  });
});

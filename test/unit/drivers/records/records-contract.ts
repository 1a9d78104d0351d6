import { describe, expect, it } from 'vitest';
import type { RecordSeed, Records } from '../../../../src/ports/records.ts';

export const alice = '0x00000000000000000000000000000000000000a1';
export const bob = '0x00000000000000000000000000000000000000b2';

export const seedOf = (name: string, n: number, more: Partial<RecordSeed> = {}): RecordSeed => ({
  name,
  ipAddress: `192.168.122.${n}`,
  ipv6Address: `fd00::${n.toString(16)}`,
  owner: alice,
  username: 'user',
  expiresAtUnix: 1_800_000_000n,
  createdAtUnix: 1_700_000_000n,
  status: 'active',
  ...more,
});

/** What every implementation of the port keeps; run against the file and against the model. */
export const describeRecords = (title: string, make: () => Promise<Records>): void => {
  describe(`${title} keeps the contract of Records`, () => {
    it('is empty where nothing was ever written', async () => {
      const records = await make();
      expect(await records.list()).toEqual([]);
      expect(await records.read('blockhost-001')).toBeUndefined();
      expect(await records.patch('blockhost-001', { status: 'suspended' })).toBe(false);
      expect(await records.allocated()).toEqual({ ipv4: [], ipv6: [] });
    });

    it('puts a lost record and its addresses back, once', async () => {
      const records = await make();
      const seed = seedOf('blockhost-001', 10, { nftTokenId: 2n ** 70n + 1n, nftMinted: true });
      expect(await records.restore(seed)).toBe(true);
      expect(await records.read('blockhost-001')).toEqual({ ...seed, ownerWallet: alice });
      expect(await records.allocated()).toEqual({ ipv4: ['192.168.122.10'], ipv6: ['fd00::a'] });
      expect(await records.restore(seed)).toBe(false);
      expect(await records.list()).toHaveLength(1);
    });

    it('leaves a live record alone, and puts only its own addresses back', async () => {
      const records = await make();
      await records.restore(seedOf('blockhost-001', 10));
      await records.releaseAddresses('192.168.122.10', 'fd00::a');
      expect(await records.restore(seedOf('blockhost-001', 11, { owner: bob }))).toBe(false);
      expect(await records.restore(seedOf('blockhost-001', 10, { owner: bob }))).toBe(true);
      expect((await records.read('blockhost-001'))?.owner).toBe(alice);
      expect(await records.allocated()).toEqual({ ipv4: ['192.168.122.10'], ipv6: ['fd00::a'] });
    });

    it('writes over the record of a destroyed machine, and forgets its token (D25)', async () => {
      const records = await make();
      await records.restore(seedOf('blockhost-001', 10, { nftTokenId: 7n, nftMinted: true }));
      await records.patch('blockhost-001', { status: 'destroyed', destroyedAtUnix: 1_750_000_000n });
      expect(await records.restore(seedOf('blockhost-001', 10, { status: 'destroyed' }))).toBe(false);
      expect(await records.restore(seedOf('blockhost-001', 11))).toBe(true);
      const record = await records.read('blockhost-001');
      expect(record).toEqual({ ...seedOf('blockhost-001', 11), ownerWallet: alice, nftMinted: false });
    });

    it('tells when somebody wrote down that the guest does not name the owner yet, until that is right (D25)', async () => {
      const records = await make();
      await records.restore(seedOf('blockhost-001', 10));
      expect(await records.read('blockhost-001')).not.toHaveProperty('gecosSynced');
      expect(await records.patch('blockhost-001', { owner: bob, gecosSynced: false })).toBe(true);
      expect(await records.read('blockhost-001')).toMatchObject({ ownerWallet: bob, gecosSynced: false });
      expect(await records.patch('blockhost-001', { owner: bob, gecosSynced: true })).toBe(true);
      expect(await records.read('blockhost-001')).not.toHaveProperty('gecosSynced');
    });

    it('claims no address for a destroyed machine', async () => {
      const records = await make();
      expect(await records.restore(seedOf('blockhost-001', 10, { status: 'destroyed' }))).toBe(true);
      expect(await records.allocated()).toEqual({ ipv4: [], ipv6: [] });
    });

    it('changes what a patch names, and tells whether anything differed', async () => {
      const records = await make();
      await records.restore(seedOf('blockhost-001', 10));
      await records.restore(seedOf('blockhost-002', 11));
      const patch = { status: 'suspended', suspendedAtUnix: 1_760_000_000n, owner: bob, ipv6Address: '' } as const;
      expect(await records.patch('blockhost-001', patch)).toBe(true);
      expect(await records.patch('blockhost-001', patch)).toBe(false);
      const { ownerWallet, ...record } = (await records.read('blockhost-001')) ?? { ownerWallet: '' };
      expect(ownerWallet).toBe(bob);
      expect(record).toEqual({ ...seedOf('blockhost-001', 10), ...patch, nftMinted: false });
      expect(await records.patch('blockhost-001', { status: 'active', suspendedAtUnix: null })).toBe(true);
      expect(await records.read('blockhost-001')).not.toHaveProperty('suspendedAtUnix');
      expect((await records.read('blockhost-002'))?.status).toBe('active');
    });

    it('claims and releases addresses, and tells whether the lists changed', async () => {
      const records = await make();
      expect(await records.claimAddresses('192.168.122.5', '')).toBe(true);
      expect(await records.claimAddresses('192.168.122.5', 'fd00::5')).toBe(true);
      expect(await records.claimAddresses('192.168.122.5', 'fd00::5')).toBe(false);
      expect(await records.releaseAddresses('192.168.122.9', 'fd00::9')).toBe(false);
      expect(await records.releaseAddresses('192.168.122.5', 'fd00::5')).toBe(true);
      expect(await records.allocated()).toEqual({ ipv4: [], ipv6: [] });
    });
  });
};

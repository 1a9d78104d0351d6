import type { RecordPatch, VmRecord } from '../../src/domain/record.ts';
import type { RecordSeed, Records } from '../../src/ports/records.ts';

/** The shared records in memory: what the domain sees of `vms.json`, without file, locks or other programs. */
export const createModelRecords = (start: readonly VmRecord[] = []): Records => {
  const records = new Map(start.map((record) => [record.name, record]));
  const lists = { ipv4: new Set<string>(), ipv6: new Set<string>() };

  const changeLists = (ipv4: string, ipv6: string, action: 'add' | 'delete'): boolean => {
    const before = lists.ipv4.size + lists.ipv6.size;
    if (ipv4 !== '') lists.ipv4[action](ipv4);
    if (ipv6 !== '') lists.ipv6[action](ipv6);
    return lists.ipv4.size + lists.ipv6.size !== before;
  };

  const restore = (seed: RecordSeed): boolean => {
    const there = records.get(seed.name);
    if (there !== undefined && there.status !== 'destroyed') {
      const ipv4 = there.ipAddress === seed.ipAddress ? seed.ipAddress : '';
      return changeLists(ipv4, there.ipv6Address === seed.ipv6Address ? seed.ipv6Address : '', 'add');
    }
    if (there !== undefined && seed.status === 'destroyed') return false;
    const { nftMinted = there?.nftTokenId === seed.nftTokenId ? there?.nftMinted : false, ...rest } = seed;
    records.set(seed.name, { ...rest, ownerWallet: seed.owner, nftMinted: nftMinted === true });
    if (seed.status !== 'destroyed') changeLists(seed.ipAddress, seed.ipv6Address, 'add');
    return true;
  };

  return {
    list: async () => [...records.values()],
    read: async (name) => records.get(name),
    patch: async (name, patch) => {
      const record = records.get(name);
      if (record === undefined) return false;
      const changed = patched(record, patch);
      records.set(name, changed);
      return !isSame(record, changed);
    },
    restore: async (seed) => restore(seed),
    claimAddresses: async (ipv4, ipv6) => changeLists(ipv4, ipv6, 'add'),
    releaseAddresses: async (ipv4, ipv6) => changeLists(ipv4, ipv6, 'delete'),
    allocated: async () => ({ ipv4: [...lists.ipv4], ipv6: [...lists.ipv6] }),
  };
};

const patched = (record: VmRecord, { gecosSynced, owner, ...patch }: RecordPatch): VmRecord => {
  const { suspendedAtUnix, destroyedAtUnix, gecosSynced: synced = true, ...rest } = record;
  const {
    suspendedAtUnix: suspended = suspendedAtUnix,
    destroyedAtUnix: destroyed = destroyedAtUnix,
    ...others
  } = patch;
  return {
    ...rest,
    ...others,
    ...(owner === undefined ? {} : { owner, ownerWallet: owner }),
    ...((gecosSynced ?? synced) ? {} : { gecosSynced: false }),
    ...(suspended === undefined || suspended === null ? {} : { suspendedAtUnix: suspended }),
    ...(destroyed === undefined || destroyed === null ? {} : { destroyedAtUnix: destroyed }),
  };
};

const isSame = (a: VmRecord, b: VmRecord): boolean => {
  const flat = (record: VmRecord): string =>
    JSON.stringify(
      Object.entries(record)
        .map(([k, v]) => `${k}=${v}`)
        .sort(),
    );
  return flat(a) === flat(b);
};

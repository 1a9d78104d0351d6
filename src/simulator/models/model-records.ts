import { RecordsError } from '../../domain/errors.ts';
import type { RecordPatch, VmRecord } from '../../domain/record.ts';
import type { RecordSeed, Records, Registration, RegistrationMark } from '../../ports/records.ts';

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

  const reserved = new Map<bigint, { readonly name: string; readonly atUnix: bigint; readonly minted: boolean }>();

  const register = ({ status, ...seed }: Registration): void => {
    const { name, ipAddress, ipv6Address, nftTokenId, createdAtUnix } = seed;
    const there = records.get(name);
    if (there !== undefined && there.status !== 'destroyed') throw taken('name-taken');
    if (lists.ipv4.has(ipAddress) || lists.ipv6.has(ipv6Address)) throw taken('address-taken');
    if ((reserved.get(nftTokenId)?.name ?? name) !== name) throw taken('token-taken');
    records.set(name, { ...seed, status, ownerWallet: seed.owner, nftMinted: false });
    changeLists(ipAddress, ipv6Address, 'add');
    if (!reserved.has(nftTokenId)) reserved.set(nftTokenId, { name, atUnix: createdAtUnix, minted: false });
  };

  const unregister = ({ name, ipAddress, ipv6Address, createdAtUnix, nftTokenId }: RegistrationMark): boolean => {
    const there = records.get(name);
    const ours = there?.createdAtUnix === createdAtUnix && there.ipAddress === ipAddress;
    const reservation = reserved.get(nftTokenId);
    const oursToo = reservation?.name === name && reservation.atUnix === createdAtUnix && !reservation.minted;
    if (ours) {
      records.delete(name);
      changeLists(ipAddress, ipv6Address, 'delete');
    }
    if (oursToo) reserved.delete(nftTokenId);
    return ours || oursToo;
  };

  return {
    register: async (registration) => register(registration),
    unregister: async (mark) => unregister(mark),
    noteMinted: async (name, before, minted, atUnix) => {
      const record = records.get(name);
      if (record === undefined || (record.nftTokenId === minted && record.nftMinted)) return false;
      records.set(name, { ...record, nftTokenId: minted, nftMinted: true });
      if (before !== minted && reserved.get(before)?.name === name) reserved.delete(before);
      reserved.set(minted, { name, atUnix, minted: true });
      return true;
    },
    reservations: async () => new Map([...reserved].map(([id, { name }]) => [id, name])),
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

const taken = (code: string): RecordsError => new RecordsError(`refused: ${code}`, { code, retryable: true });

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

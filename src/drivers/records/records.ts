import { RecordsError } from '../../domain/errors.ts';
import type { VmRecord } from '../../domain/record.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { RecordSeed, Records } from '../../ports/records.ts';
import { addressesOf, withAddress, withoutAddress } from './address-list.ts';
import { type Container, joinContainer, memberText, splitContainer } from './json-text.ts';
import { type AddressChange, claim, onAddresses, onObject, onRecord } from './on-top.ts';
import { healDates, patchRecord, seedRecord } from './record-edit.ts';
import { naiveDateKeys, readRecord } from './record-reader.ts';
import { parseDocument, type RecordsDocument } from './records-document.ts';
import { noteMintedIn, registerInto, unregisterFrom } from './registration.ts';
import { createSharedFile } from './shared-file.ts';
import { createSnapshots, type Snapshot } from './snapshot.ts';

export interface RecordsDeps {
  /** `db_file`: the shared `vms.json`. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The records that we share with the engine, the admin panel, the watchdog and the host's Python library. What we do not
 * change keeps its bytes; a file that cannot be read is never written. One record that makes no sense is passed over
 * with one warning, and stays in the file.
 */
export const createRecords = ({ path, clock, log }: RecordsDeps): Records => {
  const file = createSharedFile({ path, clock });
  const warned = new Set<string>();
  const inTurn = createTurns();

  const readOne = (document: RecordsDocument, name: string, json: unknown): VmRecord | undefined => {
    const result = readRecord(name, json, (key) => exactMember(document.recordText(name), key));
    if (result.ok) return result.record;
    const key = `${name}\n${result.problem}`;
    if (!warned.has(key))
      log.warn({ path, vm: name, problem: result.problem }, 'passed over a record that makes no sense');
    warned.add(key);
    return undefined;
  };

  const read = <T>(look: (document: RecordsDocument) => T): Promise<T> =>
    inTurn(() => file.read((text) => look(parseDocument(path, text))));

  const update = (change: (top: Container, document: RecordsDocument) => Container): Promise<boolean> =>
    inTurn(() =>
      file.update((text) => {
        const document = parseDocument(path, text);
        const top = document.top();
        const changed = change(top, document);
        return changed === top ? undefined : document.render(healAll(changed, document));
      }),
    );

  const changeAddresses = (change: AddressChange, ipv4: string, ipv6: string): Promise<boolean> =>
    update((top) => onAddresses(top, change, ipv4, ipv6));

  const take = (document: RecordsDocument): Snapshot => {
    const read = [...document.vms].map(([name, json]) => [name, readOne(document, name, json)] as const);
    return {
      records: new Map(read.flatMap(([name, record]): [string, VmRecord][] => (record ? [[name, record]] : []))),
      senseless: new Set(read.flatMap(([name, record]) => (record ? [] : name))),
      allocated: { ipv4: addressesOf(document.allocatedIps), ipv6: addressesOf(document.allocatedIpv6) },
      reservations: reservationsOf(document),
    };
  };
  const snapshot = createSnapshots(path, clock, () => read(take));

  return {
    list: async () => [...(await snapshot()).records.values()],
    read: async (name) => {
      const { records, senseless } = await snapshot();
      // A record that is there and cannot be read is unknown, never absent (L3).
      if (senseless.has(name)) throw noRecord(path, name);
      return records.get(name);
    },
    patch: (name, patch) =>
      update((top, document) => {
        if (!document.vms.has(name)) return top;
        if (!isObject(document.vms.get(name))) throw noRecord(path, name);
        return onRecord(top, name, (record, layout) => patchRecord(record, patch, layout));
      }),
    restore: (seed) => update((top, document) => restoreInto(top, document, seed)),
    claimAddresses: (ipv4, ipv6) => changeAddresses(withAddress, ipv4, ipv6),
    releaseAddresses: (ipv4, ipv6) => changeAddresses(withoutAddress, ipv4, ipv6),
    register: async (registration) => {
      await update((top, document) => registerInto(top, document, registration));
    },
    unregister: (mark) => update((top, document) => unregisterFrom(top, document, mark)),
    noteMinted: (name, reserved, minted, atUnix) =>
      update((top, document) => noteMintedIn(top, document, { name, reserved, minted, atUnix })),
    reservations: async () => (await snapshot()).reservations,
    allocated: async () => (await snapshot()).allocated,
  };
};

/** A live record is somebody's: only its own addresses are put back beside it. */
const restoreInto = (top: Container, { vms }: RecordsDocument, seed: RecordSeed): Container => {
  const there = vms.get(seed.name);
  const destroyed = isObject(there) && there.status === 'destroyed';
  if (vms.has(seed.name) && !destroyed) {
    const same = isObject(there) ? there : {};
    const ipv4 = same.ip_address === seed.ipAddress ? seed.ipAddress : '';
    const ipv6 = same.ipv6_address === seed.ipv6Address ? seed.ipv6Address : '';
    return claim(top, ipv4, ipv6);
  }
  if (destroyed && seed.status === 'destroyed') return top;
  const restored = onRecord(top, seed.name, (record, layout) => seedRecord(record, seed, layout));
  return seed.status === 'destroyed' ? restored : claim(restored, seed.ipAddress, seed.ipv6Address);
};

/** Whoever writes the file at all leaves no date in it that would stop Python's garbage collection. */
const healAll = (top: Container, { vms }: RecordsDocument): Container => {
  const names = new Set([...vms].filter(([, json]) => naiveDateKeys(json).length > 0).map(([name]) => name));
  if (names.size === 0) return top;
  return onObject(top, 'vms', (all, layout) => ({
    ...all,
    slots: all.slots.map((slot) =>
      names.has(slot.key) && slot.value.startsWith('{')
        ? { ...slot, value: joinContainer(healDates(splitContainer(slot.value), layout)) }
        : slot,
    ),
  }));
};

const exactMember = (recordText: string | undefined, key: string): string | undefined =>
  recordText === undefined ? undefined : memberText(splitContainer(recordText), key);

const reservationsOf = ({ reservations }: RecordsDocument): ReadonlyMap<bigint, string> =>
  new Map(
    [...reservations].flatMap(([id, entry]): [bigint, string][] => {
      const name = isObject(entry) && typeof entry.vm_name === 'string' ? entry.vm_name : '';
      return /^\d{1,78}$/.test(id) ? [[BigInt(id), name]] : [];
    }),
  );

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const noRecord = (path: string, name: string): RecordsError =>
  new RecordsError(`${path}: "vms.${name}" is no record`, {
    code: 'records-odd',
    retryable: false,
    hint: 'mend or remove that entry; the others are not affected',
  });

/** Our own calls one after the other: they would only wait for each other's locks. */
const createTurns = (): (<T>(task: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const mine = last.then(task);
    last = mine.catch(() => undefined);
    return mine;
  };
};

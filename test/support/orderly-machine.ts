import type { DomainState } from '../../src/domain/domain-state.ts';
import { known } from '../../src/domain/fact.ts';
import type { MachineDetails, MachineMemory } from '../../src/domain/journal/memory.ts';
import type { Observation } from '../../src/domain/observation.ts';
import type { Chore } from '../../src/domain/plan.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import type { VmRecord } from '../../src/domain/record.ts';
import { upkeep } from '../../src/domain/upkeep.ts';
import { exampleDomain, exampleMemory, exampleObservation, exampleView, NOW_MS, quiet } from './example-observation.ts';

/* A machine that runs and is paid for, for which journal, record, metadata and chain say the same (L12). */

const NOW_UNIX = BigInt(NOW_MS / 1000);
export const details: MachineDetails = {
  ...exampleMemory.details,
  ipAddress: '192.0.2.7',
  ipv6Address: '2001:db8::7',
  createdAtUnix: 1000n,
  nftTokenId: 7n,
  nftMinted: true,
};
const memory: MachineMemory = {
  ...exampleMemory,
  details,
  run: { on: true, atUnixMs: NOW_MS, bootId: 'boot' },
  lastExpiresAtUnix: NOW_UNIX + 100n,
};
export const domain: DomainState = { ...exampleDomain, metadata: { schema: 1, uuid: exampleMemory.uuid } };
export const off: DomainState = { ...domain, run: 'off', reason: 'shutdown' };
export const record: VmRecord = {
  name: 'blockhost-007',
  status: 'active',
  ipAddress: '192.0.2.7',
  ipv6Address: '2001:db8::7',
  owner: details.owner,
  username: 'customer',
  createdAtUnix: 1000n,
  expiresAtUnix: NOW_UNIX + 100n,
  nftTokenId: 7n,
  nftMinted: true,
};
export const paidView = exampleView(quiet({ expiresIn: 100, lag: 0 }));

/** What upkeep there is where this is different. */
export const chores = (change: Partial<Observation> = {}, remembered: Partial<MachineMemory> = {}): readonly Chore[] =>
  upkeep(
    exampleObservation(paidView, {
      memory: { ...memory, ...remembered },
      domain: known(domain),
      record: known(record),
      ...change,
    }),
    DEFAULT_POLICY,
  );
export const withRecord = (change: Partial<VmRecord>) => ({ record: known({ ...record, ...change }) });
/** Its record lacks this. */
export const without = <Key extends keyof VmRecord>(key: Key) => {
  const { [key]: _, ...rest } = record;
  return { record: known(rest as VmRecord) };
};

import type { VmRecord } from '../../domain/record.ts';
import { countLine, type GcOptions } from '../explicit/gc.ts';
import { isOverFor, type MockDeps } from './mock-deps.ts';

const nowUnix = ({ clock }: MockDeps): bigint => BigInt(Math.floor(clock.nowUnixMs() / 1000));

const suspend = (deps: MockDeps, { name }: VmRecord): Promise<boolean> =>
  deps.records.patch(name, { status: 'suspended', suspendedAtUnix: nowUnix(deps) });

const destroy = async (deps: MockDeps, { name, ipAddress, ipv6Address }: VmRecord): Promise<void> => {
  await deps.records.patch(name, { status: 'destroyed', destroyedAtUnix: nowUnix(deps) });
  await deps.records.releaseAddresses(ipAddress, ipv6Address);
};

/** `gc --mock`: the two phases on the mock database alone. Who is suspended in this run was no candidate of the second. */
export const mockGc = async (deps: MockDeps, options: Omit<GcOptions, 'width'>): Promise<void> => {
  const all = await deps.records.list();
  const due = options.suspend ? all.filter((one) => one.status === 'active' && isOverFor(deps, one, 0)) : [];
  const past = options.destroy
    ? all.filter((one) => one.status === 'suspended' && isOverFor(deps, one, deps.graceMs))
    : [];
  if (options.suspend) deps.say(countLine('Suspend', due.length));
  if (options.destroy) deps.say(countLine('Destroy', past.length));
  if (!options.execute) return;
  for (const record of due) await suspend(deps, record);
  for (const record of past) await destroy(deps, record);
};

import { moment } from '../../domain/moment.ts';
import { refusal } from '../explicit/context.ts';
import type { ResumeOptions } from '../explicit/resume.ts';
import type { MockDeps } from './mock-deps.ts';

const DAY_S = 86_400n;

/** `resume --mock`: the record of the mock database becomes active, with so many days more. */
export const mockResume = async (
  { records, clock, say }: MockDeps,
  name: string,
  { extendDays, dryRun }: ResumeOptions,
): Promise<void> => {
  const record = await records.read(name);
  if (record === undefined) throw refusal(`there is no machine ${name} in the mock database`);
  if (record.status === 'destroyed') throw refusal(`${name} was destroyed`);
  const nowUnix = BigInt(Math.floor(clock.nowUnixMs() / 1000));
  const from = (record.expiresAtUnix ?? 0n) > nowUnix ? (record.expiresAtUnix ?? 0n) : nowUnix;
  const until = extendDays > 0 ? from + BigInt(extendDays) * DAY_S : undefined;
  if (until !== undefined) say(`${dryRun ? 'would grant' : 'granted'} ${name} until ${moment(Number(until) * 1000)}`);
  say(`${dryRun ? 'would resume' : 'resumed'} ${name}`);
  if (dryRun) return;
  const extended = until === undefined ? {} : { expiresAtUnix: until };
  await records.patch(name, { status: 'active', suspendedAtUnix: null, ...extended });
};

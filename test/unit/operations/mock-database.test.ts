import { describe, expect, it } from 'vitest';
import type { VmRecord } from '../../../src/domain/record.ts';
import { mockGc } from '../../../src/operations/mock/mock-gc.ts';
import { mockResume } from '../../../src/operations/mock/mock-resume.ts';
import { createModelRecords } from '../../../src/simulator/models/model-records.ts';
import { createVirtualClock } from '../../../src/simulator/time/virtual-clock.ts';

const NOW = 1_800_000_000n;
const DAY = 86_400n;

const machine = (name: string, more: Partial<VmRecord>): VmRecord => ({
  name,
  status: 'active',
  ipAddress: `10.0.0.${name}`,
  ipv6Address: '',
  owner: '',
  username: '',
  nftMinted: false,
  ...more,
});

const mock = (machines: readonly VmRecord[]) => {
  const said: string[] = [];
  const records = createModelRecords(machines);
  const clock = createVirtualClock(Number(NOW) * 1000);
  const deps = { records, clock, graceMs: 7 * 86_400_000, say: (line: string) => void said.push(line) };
  const both = { suspend: true, destroy: true };
  return { said, records, deps, gc: (execute: boolean, phases = both) => mockGc(deps, { execute, ...phases }) };
};

describe('the mock database', () => {
  it('gc tells by record alone, and does it with --execute: expiry suspends, grace after the later date destroys', async () => {
    const { said, records, gc } = mock([
      machine('1', { expiresAtUnix: NOW - 1n }),
      machine('2', { expiresAtUnix: NOW + 1n }),
      machine('3', { status: 'suspended', expiresAtUnix: NOW - 9n * DAY, suspendedAtUnix: NOW - 8n * DAY }),
      machine('4', { status: 'suspended', expiresAtUnix: NOW - 9n * DAY, suspendedAtUnix: NOW - 6n * DAY }),
      machine('5', {}),
    ]);
    await gc(false);
    expect(said).toEqual(['Suspend: 1 candidate', 'Destroy: 1 candidate']);
    expect(await records.read('1')).toMatchObject({ status: 'active' });
    await gc(true);
    const after = (await records.list()).map(({ name, status }) => `${name} ${status}`);
    expect(after).toEqual(['1 suspended', '2 active', '3 destroyed', '4 suspended', '5 active']);
  });

  it('never destroys in one run what it suspended in it', async () => {
    const { deps, records } = mock([machine('1', { expiresAtUnix: NOW - 90n * DAY })]);
    await mockGc({ ...deps, graceMs: 0 }, { execute: true, suspend: true, destroy: true });
    expect(await records.read('1')).toMatchObject({ status: 'suspended' });
  });

  it('resume makes a record active, with days from the later of now and its expiry', async () => {
    const { deps, records } = mock([
      machine('1', { status: 'suspended', expiresAtUnix: NOW - DAY, suspendedAtUnix: NOW - DAY }),
      machine('2', { expiresAtUnix: NOW + DAY }),
      machine('3', { status: 'destroyed' }),
    ]);
    await mockResume(deps, '1', { extendDays: 2, dryRun: true });
    expect(await records.read('1')).toMatchObject({ status: 'suspended' });
    await mockResume(deps, '1', { extendDays: 2, dryRun: false });
    expect(await records.read('1')).toMatchObject({ status: 'active', expiresAtUnix: NOW + 2n * DAY });
    await mockResume(deps, '2', { extendDays: 1, dryRun: false });
    expect(await records.read('2')).toMatchObject({ expiresAtUnix: NOW + 2n * DAY });
    await expect(mockResume(deps, '3', { extendDays: 1, dryRun: false })).rejects.toThrow('3 was destroyed');
    await expect(mockResume(deps, 'x', { extendDays: 1, dryRun: false })).rejects.toThrow('there is no machine x');
  });
});

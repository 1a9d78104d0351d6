import { describe, expect, it } from 'vitest';
import type { MachineMemory } from '../../../src/domain/journal/memory.ts';
import { EMPTY_JOURNAL } from '../../../src/domain/journal/memory.ts';
import type { VmRecord } from '../../../src/domain/record.ts';
import { listJournal, listRecords, listText } from '../../../src/operations/list.ts';
import { createWorld } from '../../models/model-world.ts';

const record: VmRecord = {
  name: 'vm1',
  status: 'active',
  ipAddress: '192.168.1.100',
  ipv6Address: '',
  owner: '',
  username: '',
  createdAtUnix: 1_770_595_200n,
  nftMinted: false,
};

describe('list', () => {
  it('prints the contract’s header and columns', () => {
    expect(listText(listRecords([record]))).toBe('NAME\tSTATUS\tIP\tCREATED\nvm1\tactive\t192.168.1.100\t2026-02-09');
  });

  it('prints the header alone where there is nothing', () => {
    expect(listText([])).toBe('NAME\tSTATUS\tIP\tCREATED');
  });

  it('gives the contract’s objects, destroyed machines as well (D4)', () => {
    expect(listRecords([record, { ...record, name: 'vm2', status: 'destroyed' }])).toEqual([
      { name: 'vm1', status: 'active', ip: '192.168.1.100', created: '2026-02-09' },
      { name: 'vm2', status: 'destroyed', ip: '192.168.1.100', created: '2026-02-09' },
    ]);
  });

  it('says nothing of a day that nobody knows, or that no calendar has', () => {
    const { createdAtUnix: _, ...unknown } = record;
    expect(listRecords([unknown, { ...record, createdAtUnix: 10n ** 18n }]).map(({ created }) => created)).toEqual([
      '',
      '',
    ]);
  });

  it('lets no text of a record look like another column or line', () => {
    const text = listText(listRecords([{ ...record, ipAddress: '1\tdestroyed\n\u001b[2Jx' }]));
    expect(text.split('\n')).toHaveLength(2);
    expect(text.split('\n')[1]?.split('\t')).toEqual(['vm1', 'active', '1 destroyed [2Jx', '2026-02-09']);
  });

  it('lists from the journal what was promised to somebody, in the record’s words (D4, D21)', async () => {
    const world = createWorld({ graceMs: 60_000, quarantineMs: 600_000 });
    const { uuid } = await world.sell(7, 60);
    const names = () => listJournal(world.journal.state()).map(({ name, status }) => `${name} ${status}`);
    expect(names()).toEqual(['blockhost-007 active']);
    await world.pass(uuid, 180_000);
    expect(names()).toEqual(['blockhost-007 suspended']);
    await world.pass(uuid, 180_000);
    expect(names()).toEqual(['blockhost-007 destroyed']);
    const creating = { ...world.journal.state().machines[uuid], phase: 'creating' } as MachineMemory;
    expect(listJournal({ ...EMPTY_JOURNAL, machines: { [uuid]: creating } })).toEqual([]);
  });
});

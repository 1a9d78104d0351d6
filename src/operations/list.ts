import type { JournalState, MachineMemory } from '../domain/journal/memory.ts';
import type { VmRecord } from '../domain/record.ts';

/** One line of the contract's `list`. */
export interface ListedMachine {
  readonly name: string;
  readonly status: string;
  readonly ip: string;
  /** `YYYY-MM-DD`, or empty where nobody knows. */
  readonly created: string;
}

const dayOf = (unix: bigint | undefined): string => {
  if (unix === undefined || unix < 0n || unix > 253_402_300_799n) return '';
  return new Date(Number(unix) * 1000).toISOString().slice(0, 10);
};

export const listRecords = (records: readonly VmRecord[]): readonly ListedMachine[] =>
  records.map(({ name, status, ipAddress, createdAtUnix }) => ({
    name,
    status,
    ip: ipAddress,
    created: dayOf(createdAtUnix),
  }));

const statusOf = ({ phase, suspendedAtUnixMs }: MachineMemory): string => {
  if (phase === 'gone' || phase === 'quarantined') return 'destroyed';
  return suspendedAtUnixMs === undefined ? 'active' : 'suspended';
};

/** What the journal remembers, where the records cannot be read (D4); nobody was told of a create that is not committed. */
export const listJournal = ({ machines }: JournalState): readonly ListedMachine[] =>
  Object.values(machines)
    .filter(({ phase }) => phase !== 'creating')
    .map((memory) => ({
      name: memory.name,
      status: statusOf(memory),
      ip: memory.details.ipAddress,
      created: dayOf(memory.details.createdAtUnix),
    }));

/** Records are other programs' texts: what would look like another column or line is a blank. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const cell = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');

export const listText = (machines: readonly ListedMachine[]): string =>
  [
    'NAME\tSTATUS\tIP\tCREATED',
    ...machines.map(({ name, status, ip, created }) => [name, status, ip, created].map(cell).join('\t')),
  ].join('\n');

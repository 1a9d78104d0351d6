import { writeSync } from 'node:fs';
import { entry, openEntries } from '../models/entry-journal.ts';

/**
 * A process that appends entries of one name to a journal, two in a batch, and prints the number of the last one as soon
 * as it is acknowledged. argv: path, name, first number, how many batches, compactAfterBytes.
 */
const [path = '', who = '', first = '0', batches = '0', compactAfterBytes = '0'] = process.argv.slice(2);
const journal = await openEntries(path, { compactAfterBytes: Number(compactAfterBytes) });
for (let batch = 0; batch < Number(batches); batch += 1) {
  const n = Number(first) + 2 * batch;
  await journal.append([entry(who, n), entry(who, n + 1)]);
  writeSync(1, `${n + 1}\n`);
}
await journal.close();

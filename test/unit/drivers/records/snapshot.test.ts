import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RecordsError } from '../../../../src/domain/errors.ts';
import { tornCode } from '../../../../src/drivers/records/records-document.ts';
import { createSnapshots, type Snapshot } from '../../../../src/drivers/records/snapshot.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'snapshot-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const empty: Snapshot = {
  records: new Map(),
  senseless: new Set(),
  allocated: { ipv4: [], ipv6: [] },
  reservations: new Map(),
};

const counted = (path: string) => {
  let reads = 0;
  const current = createSnapshots(path, { nowUnixMs: () => Date.now() }, async () => {
    reads += 1;
    return empty;
  });
  return { current, reads: () => reads };
};

it('reads a file that rests once, and again after every change', async () => {
  const path = join(directory, 'vms.json');
  await writeFile(path, '{}');
  const past = new Date(Date.now() - 60_000);
  await utimes(path, past, past);
  const { current, reads } = counted(path);
  await current();
  await current();
  expect(reads()).toBe(1);
  await writeFile(path, '[]');
  await current();
  expect(reads()).toBe(2);
});

it('never trusts the stamp of a file that was changed a moment ago: another change may bear the same one', async () => {
  const path = join(directory, 'vms.json');
  await writeFile(path, '{}');
  const { current, reads } = counted(path);
  await current();
  await current();
  expect(reads()).toBe(2);
});

it('keeps nothing of a file that is not there', async () => {
  const { current, reads } = counted(join(directory, 'none.json'));
  await current();
  await current();
  expect(reads()).toBe(2);
});

it('waits for the writer of a spoilt file once, not at every look, and reads it again when it was mended', async () => {
  const path = join(directory, 'vms.json');
  await writeFile(path, '<<<<<<< HEAD');
  const past = new Date(Date.now() - 60_000);
  await utimes(path, past, past);
  let reads = 0;
  let spoilt = true;
  const current = createSnapshots(path, { nowUnixMs: () => Date.now() }, async () => {
    reads += 1;
    if (spoilt) throw new RecordsError('torn', { code: tornCode, retryable: true });
    return empty;
  });
  await expect(current()).rejects.toThrow('torn');
  await expect(current()).rejects.toThrow('torn');
  expect(reads).toBe(1);
  spoilt = false;
  await writeFile(path, '{}');
  expect(await current()).toBe(empty);
  expect(reads).toBe(2);
});

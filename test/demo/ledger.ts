import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';

/** One machine in vms.json, as far as the demo looks at it. */
const recordSchema = z.looseObject({
  status: z.string(),
  expires_at: z.string(),
  suspended_at: z.string().nullish(),
  destroyed_at: z.string().nullish(),
  ip_address: z.string(),
  owner_wallet: z.string().optional(),
});
const recordsSchema = z.looseObject({
  vms: z.record(z.string(), recordSchema),
  next_vmid: z.int(),
  allocated_ips: z.array(z.string()),
  reserved_nft_tokens: z.record(z.string(), z.unknown()),
});

export type DemoRecord = z.infer<typeof recordSchema>;
export type DemoRecords = z.infer<typeof recordsSchema>;

/** Reads the shared records as they are; they are replaced whole, so a reader never meets half of them. */
export const readLedger = async (file: string): Promise<DemoRecords> =>
  recordsSchema.parse(JSON.parse(await readFile(file, 'utf8')));

/**
 * Changes the shared records as the host's Python library does: an exclusive flock(2) on `<file>.lock` around read, change,
 * temporary file, fsync and rename.
 */
export const changeLedger = async (file: string, change: (records: DemoRecords) => void): Promise<void> => {
  const lock = openSync(`${file}.lock`, 'a', 0o660);
  try {
    const flock = spawn('flock', ['-x', '-w', '10', '3'], { stdio: ['ignore', 'ignore', 'inherit', lock] });
    const [code] = await once(flock, 'exit');
    if (code !== 0) throw new Error(`nobody let go of ${file}.lock for 10 s`);
    const records = await readLedger(file);
    change(records);
    const descriptor = openSync(`${file}.demo`, 'w', 0o660);
    writeSync(descriptor, JSON.stringify(records, null, 2));
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(`${file}.demo`, file);
  } finally {
    closeSync(lock);
  }
};

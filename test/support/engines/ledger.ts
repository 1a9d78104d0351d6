import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';

type Fields = Record<string, unknown>;

/** vms.json, as engines and their Python library see it. */
export interface Ledger {
  readonly vms: Record<string, Fields>;
  readonly reserved_nft_tokens?: Record<string, Fields>;
  readonly [key: string]: unknown;
}

/** A document that is being truncated is read again. */
export const readLedger = async (file: string): Promise<Ledger> => {
  for (let tries = 0; ; tries += 1) {
    try {
      return JSON.parse(await readFile(file, 'utf8')) as Ledger;
    } catch (error) {
      if (tries > 100) throw error;
    }
  }
};

/** As the older programs write: truncated in place, without a lock, from whatever they read before. */
export const overwrite = (file: string, ledger: Ledger): Promise<void> =>
  writeFile(file, JSON.stringify(ledger, null, 2));

/** As the newer library writes: one lock around read, change and rename; the file is then its writer's alone. */
export const changeLocked = async (file: string, change: (ledger: Ledger) => void): Promise<void> => {
  const lock = openSync(`${file}.lock`, 'a', 0o660);
  try {
    const flock = spawn('flock', ['-x', '-w', '10', '3'], { stdio: ['ignore', 'ignore', 'inherit', lock] });
    const [code] = await once(flock, 'exit');
    if (code !== 0) throw new Error(`nobody let go of ${file}.lock`);
    const ledger = await readLedger(file);
    change(ledger);
    await writeFile(`${file}.engine`, JSON.stringify(ledger, null, 2), { mode: 0o600 });
    await rename(`${file}.engine`, file);
  } finally {
    closeSync(lock);
  }
};

const DAY_MS = 86_400_000;

/** Days from now to the new expiry, on top of the old expiry: too many, whenever something was left of the old one. */
export const creditDays = (record: Fields, newExpiresAtUnix: number): void => {
  const days = Math.max(1, Math.ceil((newExpiresAtUnix * 1000 - Date.now()) / DAY_MS));
  const expires = new Date(Date.parse(String(record.expires_at)) + days * DAY_MS);
  record.expires_at = expires.toISOString().replace('.000Z', '+00:00').replace('Z', '+00:00');
};

export const daysUntil = (unix: number): string => String(Math.max(1, Math.ceil((unix * 1000 - Date.now()) / DAY_MS)));

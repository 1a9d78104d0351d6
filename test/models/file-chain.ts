import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Address } from '../../src/domain/identity.ts';
import { addressSchema } from '../../src/domain/journal/memory.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Minter } from '../../src/ports/minter.ts';
import { put } from './file-guest.ts';
import { createModelLedger, type ModelLedger, refOf } from './model-ledger.ts';

const unix = z.string().transform(BigInt);
const entrySchema = z.discriminatedUnion('what', [
  z.object({ what: z.literal('bought'), atUnixMs: z.number(), id: z.number(), owner: addressSchema, until: unix }),
  z.object({ what: z.literal('paid'), atUnixMs: z.number(), id: z.number(), until: unix }),
  z.object({ what: z.literal('token'), atUnixMs: z.number(), id: z.number(), owner: addressSchema }),
]);
type Entry = z.infer<typeof entrySchema>;
const bookSchema = z.object({ entries: z.array(entrySchema), minted: z.record(z.string(), z.number()) });

/** A chain whose book is a file: what happened on it, and when, for every process that asks. */
export interface FileChain {
  readonly ledger: ModelLedger;
  readonly minter: Minter;
  buy(id: number, owner: Address, until: bigint): void;
  pay(id: number, until: bigint): void;
  transfer(token: number, to: Address): void;
}

/** Tokens are numbered from here on: never the one that was reserved for a machine. */
const FIRST_TOKEN = 41;

export const createFileChain = (dir: string, clock: Clock): FileChain => {
  const path = join(dir, 'chain.json');
  const book = bookSchema.parse(
    existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { entries: [], minted: {} },
  );
  let replayedUnixMs: number | undefined;
  const ledger = createModelLedger({ ...clock, nowUnixMs: () => replayedUnixMs ?? clock.nowUnixMs() });

  const apply = (entry: Entry): void => {
    replayedUnixMs = entry.atUnixMs;
    if (entry.what === 'bought') ledger.buy(refOf(BigInt(entry.id)), entry.owner, entry.until);
    if (entry.what === 'paid') ledger.change(refOf(BigInt(entry.id)), entry.until);
    if (entry.what === 'token') ledger.giveToken(BigInt(entry.id), entry.owner);
    replayedUnixMs = undefined;
  };
  const write = (entry: Entry): void => {
    book.entries.push(entry);
    put(
      path,
      JSON.stringify(book, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    );
    apply(entry);
  };
  for (const entry of book.entries) apply(entry);

  return {
    ledger,
    buy: (id, owner, until) => write({ what: 'bought', atUnixMs: clock.nowUnixMs(), id, owner, until }),
    pay: (id, until) => write({ what: 'paid', atUnixMs: clock.nowUnixMs(), id, until }),
    transfer: (id, owner) => write({ what: 'token', atUnixMs: clock.nowUnixMs(), id, owner }),
    minter: {
      mint: async ({ machineId, owner }) => {
        const before = book.minted[machineId];
        if (before !== undefined) return BigInt(before);
        const id = FIRST_TOKEN + Object.keys(book.minted).length;
        book.minted[machineId] = id;
        write({ what: 'token', atUnixMs: clock.nowUnixMs(), id, owner: addressSchema.parse(owner) });
        return BigInt(id);
      },
      seal: async () => '0x',
    },
  };
};

import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { MintError } from '../../domain/errors.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { ensureSharedDirectory, isErrno } from '../files/shared-ownership.ts';
import { withFlock } from '../lock/flock.ts';
import { feesSchema } from './fees.ts';
import { hexData } from './rpc.ts';

const sentSchema = z.object({ txHash: hexData, raw: hexData, fees: feesSchema, atUnixMs: z.number() });

/** What was sent to mint one machine's token, all with one nonce; and what came of it. */
const attemptSchema = z.object({
  schema: z.literal(1),
  machineId: z.string(),
  chainId: z.number(),
  contract: hexData,
  owner: hexData,
  signer: hexData,
  data: hexData,
  gas: z.string().regex(/^\d+$/),
  nonce: z.number().int().min(0),
  /** The head before anything was sent. */
  fromBlock: z.string().regex(/^\d+$/),
  begunAtUnixMs: z.number(),
  /** Newest last; each of them was written here before it was sent. */
  sent: z.array(sentSchema).min(1),
  token: z
    .object({ tokenId: z.string().regex(/^\d+$/), txHash: hexData, blockNumber: z.string().regex(/^\d+$/) })
    .optional(),
});
export type Attempt = z.infer<typeof attemptSchema>;

/** Names one machine's token on one contract: a contract that is deployed anew knows nothing of old tokens. */
export interface AttemptKey {
  readonly chainId: number;
  readonly contract: string;
  readonly machineId: string;
}

const machineIdPattern = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/;

/** The attempts of this host, one file each; all that changes them happens under one lock, because nonces are shared. */
export const createAttempts = (directory: string) => {
  const fileOf = ({ chainId, contract, machineId }: AttemptKey): string => {
    if (machineIdPattern.test(machineId)) return join(directory, `${chainId}-${contract}-${machineId}.json`);
    throw new MintError('the machine id has characters that no machine id has', {
      code: 'machine-id',
      retryable: false,
      hint: 'letters, digits, dot, dash, underscore and colon, at most 100',
    });
  };
  const read = async (file: string): Promise<Attempt | undefined> => {
    try {
      return attemptSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw unreadable(file, error);
    }
  };
  return {
    read: (key: AttemptKey) => read(fileOf(key)),
    write: (attempt: Attempt) =>
      writeFileAtomic(fileOf(attempt), `${JSON.stringify(attempt, bigintAsDigits)}\n`, { mode: 0o660, shared: true }),
    /** Nothing will come of it any more; kept beside, for whoever wonders. Not where a newer one has taken its place. */
    setAside: async (attempt: Attempt): Promise<void> => {
      const now = await read(fileOf(attempt));
      if (now?.nonce === attempt.nonce) await rename(fileOf(attempt), `${fileOf(attempt)}.nonce-${attempt.nonce}`);
    },
    /** Those of one key that nothing has come of yet, lowest nonce first. */
    open: async (chainId: number, signer: string): Promise<readonly Attempt[]> => {
      const names = (await readdir(directory)).filter((name) => /^\d+-0x.*\.json$/.test(name));
      const all = await Promise.all(names.map((name) => read(join(directory, name))));
      return all
        .filter((attempt) => attempt !== undefined)
        .filter((attempt) => attempt.chainId === chainId && attempt.signer === signer && !attempt.token)
        .sort((a, b) => a.nonce - b.nonce);
    },
    withLock: async <T>(body: () => Promise<T>): Promise<T> => {
      await ensureSharedDirectory(directory);
      return withFlock(join(directory, 'lock'), { waitMs: 60_000 }, body);
    },
  };
};
export type Attempts = ReturnType<typeof createAttempts>;

/** JSON has no big integers. */
const bigintAsDigits = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

const unreadable = (file: string, cause: unknown): MintError =>
  new MintError(`${file} cannot be read, so nobody knows whether that token was minted`, {
    code: 'mint-unclear',
    retryable: false,
    hint: 'look at the chain; remove the file only if there is no token',
    cause,
  });

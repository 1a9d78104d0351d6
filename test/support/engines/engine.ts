import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rpc } from '../../lab/json-rpc.ts';
import { answerOf, createCaller, type EngineSite } from './caller.ts';
import { changeLocked, creditDays, daysUntil, overwrite, readLedger } from './ledger.ts';
import { type Handlers, startMonitor } from './monitor.ts';

export interface EngineOptions extends EngineSite {
  readonly rpc: Rpc;
  readonly contract: string;
  /** Mints a credential; resolves to its token. */
  readonly mint: (owner: string) => Promise<bigint>;
}

const UPDATE_GECOS_LIMIT_MS = 30_000;
const nowIso = (): string => new Date().toISOString().replace('Z', '+00:00');

type Caller = ReturnType<typeof createCaller>;

const create = async ({ call }: Caller, argv: readonly string[]) => {
  const ended = await call('create', argv);
  const answer = answerOf(ended);
  if (answer === undefined) throw new Error(`create failed: ${ended.stderr}`);
  return answer;
};

/** Extension and cancellation, which both generations do alike: a stale copy is written back without a lock. */
const common = ({ call }: Caller, file: string): Pick<Handlers, 'extended' | 'cancelled'> => ({
  extended: async (name, newExpiresAtUnix) => {
    const stale = await readLedger(file);
    const record = stale.vms[name];
    if (record === undefined) throw new Error(`${name} is not in the records`);
    const wasSuspended = record.status === 'suspended';
    creditDays(record, newExpiresAtUnix);
    await sleep(200); // long enough for others to write what this undoes
    await overwrite(file, stale);
    if (wasSuspended) await call('resume', [name]);
  },
  cancelled: async (name) => void (await call('destroy', [name])),
});

/** February: mints after `create --no-mint`, and marks the id that create reserved. */
const older = (caller: Caller, file: string, { mint }: EngineOptions): Handlers => ({
  ...common(caller, file),
  created: async (name, subscriber, expiresAtUnix) => {
    const days = ['--expiry-days', daysUntil(expiresAtUnix)];
    const answer = await create(caller, [name, '--owner-wallet', subscriber, ...days, '--no-mint', '--apply']);
    await mint(subscriber);
    const ledger = await readLedger(file);
    const reservation = ledger.reserved_nft_tokens?.[String(answer.nft_token_id)];
    const record = ledger.vms[name];
    if (reservation === undefined || record === undefined) throw new Error(`${answer.nft_token_id} is not reserved`);
    Object.assign(reservation, { status: 'minted', minted_at: nowIso() });
    Object.assign(record, { nft_minted: true, nft_minted_at: nowIso() });
    await overwrite(file, ledger);
  },
});

/** March: registers the machine again, mints, has GECOS set, and writes the token into the record. */
const newer = (caller: Caller, file: string, { mint }: EngineOptions, notes: string[]): Handlers => ({
  ...common(caller, file),
  created: async (name, subscriber, expiresAtUnix) => {
    const days = ['--expiry-days', daysUntil(expiresAtUnix)];
    const answer = await create(caller, [name, '--owner-wallet', subscriber, ...days, '--apply']);
    await changeLocked(file, ({ vms }) => {
      if (vms[name] !== undefined) throw new Error(`${name} exists already`);
      vms[name] = { vm_name: name, ip_address: answer.ip, owner: subscriber, status: 'active' };
    }).catch((error: unknown) => void notes.push(String(error)));
    const token = await mint(subscriber);
    const argv = [name, subscriber, '--nft-id', String(token)];
    const { exitCode, stderr } = await caller.call('update-gecos', argv, UPDATE_GECOS_LIMIT_MS);
    if (exitCode !== 0) notes.push(`update-gecos failed: ${stderr}`);
    await changeLocked(file, ({ vms }) => {
      if (vms[name] === undefined) throw new Error(`${name} is not in the records`);
      Object.assign(vms[name], { nft_token_id: Number(token), nft_minted: true, nft_minted_at: nowIso() });
    });
  },
});

/** An engine of one generation, at its work until it is stopped. */
export const startEngine = async (generation: 'older' | 'newer', options: EngineOptions) => {
  const file = join(options.stateDir, 'vms.json');
  const caller = createCaller(options);
  const notes: string[] = [];
  const handlers = generation === 'older' ? older(caller, file, options) : newer(caller, file, options, notes);
  const monitor = await startMonitor(options, handlers);
  return {
    ...monitor,
    calls: caller.calls,
    /** What went wrong on the way and was gone past. */
    notes: (): readonly string[] => notes,
    /** As its reconciler does: takes a copy now, and gives back what writes it later, over everything since. */
    staleCopy: async () => {
      const stale = await readLedger(file);
      return () => overwrite(file, stale);
    },
  };
};

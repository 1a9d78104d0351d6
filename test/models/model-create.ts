import { type CreateRequest, parseCreateRequest, type RawCreateRequest } from '../../src/domain/create-request.ts';
import type { Policy } from '../../src/domain/policy.ts';
import type { CreateDeps } from '../../src/operations/create/create-deps.ts';
import type { ConnectionDetails } from '../../src/ports/minter.ts';
import { createModelLocks } from './model-locks.ts';
import { createWorld, OWNER } from './model-world.ts';

export const requestFor = (name: string, more: Partial<RawCreateRequest> = {}): CreateRequest =>
  parseCreateRequest(
    { name, ownerWallet: OWNER, apply: true, ...more },
    { expiryDays: 30, walletPattern: undefined, engineMints: false },
  );

/** A world with everything that a create needs beside. Whoever sleeps lets the clock go on. */
export const createCreateWorld = (policy: Partial<Policy> = {}) => {
  const world = createWorld(policy);
  const locks = createModelLocks();
  const told: string[] = [];
  const minted = new Map<string, { readonly owner: string; readonly userEncrypted?: string }>();
  const missingSeeds: string[] = [];
  const stop = new AbortController();
  let uuids = 0;
  let mintFails = false;
  const deps: CreateDeps = {
    ...world.deps,
    locks,
    clock: { ...world.clock, sleep: (ms) => world.clock.advance(ms) },
    seeds: { ...world.deps.seeds, missing: async () => missingSeeds },
    minter: {
      mint: async ({ machineId, ...request }) => {
        if (mintFails) throw new Error('no gas');
        minted.set(machineId, request);
        return 41n + BigInt(minted.size);
      },
      seal: async (details: ConnectionDetails, signature) =>
        `0x${Buffer.from(`${details.hostname}|${signature}`).toString('hex')}`,
    },
    newUuid: () => {
      uuids += 1;
      return `00000000-0000-4000-8000-${uuids.toString(16).padStart(12, '0')}`;
    },
    patience: { chainMs: 60_000, noneMs: 15_000, agentMs: 60_000 },
    tell: (line) => void told.push(line),
    by: 'tester',
    stop: stop.signal,
  };
  return {
    ...world,
    deps,
    locks,
    told,
    minted,
    missingSeeds,
    interrupt: () => stop.abort(),
    breakMint: () => {
      mintFails = true;
    },
    /** A subscription as the engine has just seen it sold. */
    buy: (id: number, seconds = 86_400) => {
      const [ref] = world.ledger.refsForName(`blockhost-${String(id).padStart(3, '0')}`);
      if (ref === undefined) throw new Error('no name of a subscription');
      world.ledger.buy(ref, OWNER, BigInt(Math.floor(world.clock.nowUnixMs() / 1000) + seconds));
      return ref;
    },
  };
};
export type CreateWorld = ReturnType<typeof createCreateWorld>;

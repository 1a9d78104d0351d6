import { type Allocation, allocate } from '../../domain/allocation.ts';
import type { CreateRequest } from '../../domain/create-request.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { MachineDetails, MachineMemory } from '../../domain/journal/memory.ts';
import type { BaseImage } from '../../ports/machine-builder.ts';
import { ALLOCATION_WAIT_MS, takenNow } from '../taken-now.ts';
import type { Binding } from './binding.ts';
import { type CreateDeps, cannotCreate } from './create-deps.ts';

/**
 * How many tokens there are, where that can be known (D19). An id must be ours alone in `reserved_nft_tokens`, and the mint
 * tells the real one: so an unreadable contract holds nothing back.
 */
export const readSupply = async (deps: CreateDeps, { machineClass }: Binding): Promise<bigint> => {
  if (!deps.chain.configured) return 0n;
  const chainId = machineClass.kind === 'bound' ? machineClass.subscription.chainId : undefined;
  const supply = await deps.chain.credentialSupply(chainId);
  if (supply.known) return supply.value;
  deps.tell(`note: how many tokens there are is unknown (${supply.why}); the id is chosen from the reservations alone`);
  return 0n;
};

/** Chooses what must be unique, from everything that knows of addresses. Throws with all that is used up. */
export const choose = async (
  deps: CreateDeps,
  request: CreateRequest,
  totalSupply: bigint,
  undone: ReadonlySet<Uuid>,
): Promise<Allocation> => {
  const { name, nftTokenId } = request;
  const taken = await takenNow(deps, undone);
  const result = allocate({ name, nftTokenId, totalSupply }, deps.pools, taken, deps.newUuid);
  if (!result.ok) throw cannotCreate(name, result.problems);
  return result.allocation;
};

export interface Begun {
  readonly allocation: Allocation;
  readonly memory: MachineMemory;
}

/** Chooses and writes the choice into the journal under one lock: nobody else chooses the same. */
export const begin = (deps: CreateDeps, request: CreateRequest, binding: Binding, base: BaseImage): Promise<Begun> => {
  const { name, owner, username } = request;
  const places = deps.builder.placesOf(name);
  return readSupply(deps, binding).then((supply) =>
    deps.locks.withAllocation({ waitMs: ALLOCATION_WAIT_MS }, async () => {
      await deps.journal.refresh();
      const allocation = await choose(deps, request, supply, new Set());
      const details: MachineDetails = {
        ipAddress: allocation.ipv4,
        ipv6Address: allocation.ipv6,
        owner,
        username,
        createdAtUnix: BigInt(Math.floor(deps.clock.nowUnixMs() / 1000)),
        nftTokenId: allocation.nftTokenId,
        nftMinted: false,
        disks: [places.disk],
        seeds: [places.seed],
        base: base.digest,
      };
      const { uuid } = allocation;
      const { machineClass } = binding;
      const state = await deps.journal.append([
        { kind: 'create-begun', uuid, name, machineClass, details, by: deps.by },
      ]);
      const memory = state.machines[uuid];
      if (memory === undefined) throw cannotCreate(name, ['the journal did not take it']);
      return { allocation, memory };
    }),
  );
};

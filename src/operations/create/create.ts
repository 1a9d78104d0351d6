import type { CreateAnswer } from '../../domain/create-answer.ts';
import type { CreateRequest } from '../../domain/create-request.ts';
import { BlockhostError, explain, LockBusyError } from '../../domain/errors.ts';
import type { MachineMemory } from '../../domain/journal/memory.ts';
import { undoUnderLock } from '../undo-create.ts';
import { commitAndStart, judgeStart, mintIfWanted, waitForAgent } from './after-commit.ts';
import { type Begun, begin, choose, readSupply } from './allocate.ts';
import { bindingFor } from './binding.ts';
import { build } from './build.ts';
import { type CreateDeps, cannotCreate } from './create-deps.ts';
import { preflight } from './preflight.ts';

/*
 * INVARIANTS
 * - `create-begun` is in the journal before anything is made; `created` is the commit. Before it everything is undone,
 *   by this process at once or by whoever finds the lock free (L4); after it nothing is.
 * - The create's lock is held from the first look to the end: who can take it knows that nobody works on that name.
 */

/** Longer than an observer holds it who only wants to know whether it is free. */
const LOCK_WAIT_MS = 5000;

const brokenOff = (deps: CreateDeps, name: string): readonly MachineMemory[] =>
  Object.values(deps.journal.state().machines).filter((memory) => memory.name === name && memory.phase === 'creating');

const answerOf = (request: CreateRequest, { allocation }: Pick<Begun, 'allocation'>): CreateAnswer => ({
  name: request.name,
  ipv4: allocation.ipv4,
  ipv6: allocation.ipv6,
  nftTokenId: allocation.nftTokenId,
  username: request.username,
});

/** What would be done and with which values; changes nothing, takes no lock (D18). */
export const planCreate = async (deps: CreateDeps, request: CreateRequest): Promise<CreateAnswer> => {
  await deps.journal.refresh();
  const undone = new Set(brokenOff(deps, request.name).map(({ uuid }) => uuid));
  const { base, capacity } = await preflight(deps, request, undone);
  const binding = await bindingFor(deps, request);
  const allocation = await choose(deps, request, await readSupply(deps, binding), undone);
  const { machineClass } = binding;
  deps.tell(`plan for ${request.name}; nothing is changed without --apply`);
  if (undone.size > 0) deps.tell('  first: take back a create of this name that was broken off');
  deps.tell(`  ${request.cpus} CPUs, ${request.memoryMib} MiB, ${request.diskGib} GiB, ${capacity.accelerator}`);
  deps.tell(`  template ${base.digest}`);
  deps.tell(`  ${allocation.ipv4} ${allocation.ipv6} ${allocation.mac} token ${allocation.nftTokenId}`);
  deps.tell(
    machineClass.kind === 'bound'
      ? `  bound to subscription ${machineClass.subscription.subscriptionId}`
      : '  bound to no subscription: its record says when it expires',
  );
  return answerOf(request, { allocation });
};

const undoAfter = async (deps: CreateDeps, { memory }: Begun, error: unknown): Promise<never> => {
  deps.tell(`${memory.name}: undoing what was made`);
  try {
    // What lies in the disk's place is somebody else's: it came there after the first look.
    const foreignDisk = error instanceof BlockhostError && error.code === 'place-taken';
    await undoUnderLock(deps, memory, explain(error), { keepDisk: foreignDisk });
  } catch (undoing) {
    deps.tell(`${memory.name}: not undone yet: ${explain(undoing)}; the daemon, or the next create, does it`);
  }
  throw error;
};

/** Whoever waits for the machine hears of a route that is missing; the daemon sets it at the next start (D27). */
const tellingOfRoutes = (deps: CreateDeps): CreateDeps => ({
  ...deps,
  hostRoutes: {
    ...deps.hostRoutes,
    add: (ipv6) =>
      deps.hostRoutes.add(ipv6).catch((error: unknown) => {
        deps.tell(`warning: no host route to ${ipv6}: ${explain(error)}`);
        throw error;
      }),
  },
});

const createLocked = async (deps: CreateDeps, request: CreateRequest): Promise<CreateAnswer> => {
  const { name } = request;
  await deps.journal.refresh();
  for (const memory of brokenOff(deps, name)) {
    deps.tell(`${name}: taking back a create that was broken off`);
    await undoUnderLock(deps, memory, 'created anew');
  }
  const ready = await preflight(deps, request, new Set());
  const binding = await bindingFor(deps, request);
  const begun = await begin(deps, request, binding, ready.base);
  let failure: unknown;
  try {
    await build(deps, request, begun, binding, ready);
    failure = await commitAndStart(deps, begun.allocation.uuid);
  } catch (error) {
    return undoAfter(deps, begun, error);
  }
  judgeStart(deps, name, failure);
  if (failure === undefined) await waitForAgent(deps, begun.allocation.uuid, name);
  const nftTokenId = await mintIfWanted(deps, request, begun);
  return answerOf(request, { allocation: { ...begun.allocation, nftTokenId } });
};

/**
 * Makes a machine, all of it or nothing. Resolves to what the caller is told; throws `BlockhostError` where nothing was
 * left behind, or (code `created-not-started`) where a committed machine cannot be started.
 */
export const createMachine = async (deps: CreateDeps, request: CreateRequest): Promise<CreateAnswer> => {
  let begun = false;
  try {
    return await deps.locks.withCreate(request.name, { waitMs: LOCK_WAIT_MS }, () => {
      begun = true;
      return createLocked(tellingOfRoutes(deps), request);
    });
  } catch (error) {
    if (!begun && error instanceof LockBusyError)
      throw cannotCreate(request.name, ['another create of that name is under way'], 'create-busy');
    throw error;
  }
};

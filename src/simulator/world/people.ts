import { parseCreateRequest } from '../../domain/create-request.ts';
import { explain } from '../../domain/errors.ts';
import { createMachine } from '../../operations/create/create.ts';
import { CREATE_PATIENCE, type CreateDeps } from '../../operations/create/create-deps.ts';
import type { Explicit } from '../../operations/explicit/context.ts';
import { destroyExplicitly } from '../../operations/explicit/destroy.ts';
import { collectGarbage } from '../../operations/explicit/gc.ts';
import { killMachine } from '../../operations/explicit/kill.ts';
import { resumeMachine } from '../../operations/explicit/resume.ts';
import { startMachine } from '../../operations/explicit/start.ts';
import { stopMachine } from '../../operations/explicit/stop.ts';
import { createFleet } from '../../operations/fleet.ts';
import { say, type Word } from '../../operations/words.ts';
import { placesOf } from '../models/model-builder.ts';
import { openWorldJournal } from './daemon.ts';
import { newMachine } from './machines.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

export type Command = 'stop' | 'start' | 'kill' | 'resume' | 'destroy' | 'gc';

const run = (ctx: Explicit, command: Command, name: string, days: number): Promise<unknown> => {
  switch (command) {
    case 'stop':
      return stopMachine(ctx, name);
    case 'start':
      return startMachine(ctx, name);
    case 'kill':
      return killMachine(ctx, name);
    case 'resume':
      return resumeMachine(ctx, name, { extendDays: days, dryRun: false });
    case 'destroy':
      return destroyExplicitly(ctx, name, ['blockhost-vm-destroy', name]);
    case 'gc':
      return collectGarbage(ctx, { execute: true, suspend: true, destroy: true, width: 4 });
  }
};

/** What became of a command; a process that was killed says nothing. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly why: string };

interface Task {
  readonly process: Process;
  readonly outcome: Promise<Outcome>;
}

/** A process with one task, as a command is; it may be told to die at one of its effects. */
const task = (
  world: World,
  name: string,
  dies: number | undefined,
  body: (process: Process) => Promise<unknown>,
): Task => {
  const process = world.spawn(name);
  if (dies !== undefined) process.dieAt({ at: dies, when: 'after' }, () => undefined);
  const died = new Promise<Outcome>((resolve) => process.onDeath(() => resolve({ ok: false, why: 'it was killed' })));
  const done = body(process).then(
    (): Outcome => ({ ok: true }),
    (error: unknown): Outcome => ({ ok: false, why: explain(error) }),
  );
  return { process, outcome: Promise.race([done, died]) };
};

/** Commands of the operator, each a process of its own beside the daemon. */
export const command = (world: World, what: Command, name: string, days = 0, dies?: number): Task =>
  task(world, `operator ${what}`, dies, async (process) => {
    const log = world.logOf(process.name);
    const journal = await openWorldJournal(world, process, log);
    const { deps } = world.depsOf(process, log, journal, () => ['the daemon, whose business harm is']);
    const quiet = (): void => undefined;
    const stop = new AbortController().signal;
    const ctx: Explicit = { deps, fleet: createFleet(deps), by: 'operator', say: quiet, warn: quiet, stop };
    await run(ctx, what, name, days);
    await journal.close();
  });

/** A word written into the journal (D17). */
export const word = (world: World, spoken: Word): Task =>
  task(world, `operator ${spoken.word}`, undefined, async (process) => {
    const journal = await openWorldJournal(world, process, world.logOf(process.name));
    await say({ journal, clock: process.clock }, spoken, 'operator');
    await journal.close();
  });

/** An engine creates the machine of a subscription that it saw sold. */
export const engineCreates = (world: World, id: bigint, owner: string, uuid: string, dies?: number): Task =>
  task(world, 'engine create', dies, async (process) => {
    const name = `blockhost-${String(id).padStart(3, '0')}`;
    const log = world.logOf(process.name);
    const journal = await openWorldJournal(world, process, log);
    const { deps } = world.depsOf(process, log, journal, () => ['the daemon, whose business harm is']);
    const create: CreateDeps = {
      ...deps,
      minter: world.minterOf(process),
      newUuid: () => uuid,
      patience: CREATE_PATIENCE,
      tell: () => undefined,
      by: 'engine',
      stop: new AbortController().signal,
    };
    const request = parseCreateRequest(
      { name, ownerWallet: owner, apply: true, username: 'customer' },
      { expiryDays: 30, walletPattern: undefined, engineMints: false },
    );
    const { disk } = placesOf(name);
    const made = newMachine({ number: Number(id), uuid, name, id, disk, madeMs: world.clock.monotonicMs() });
    world.machines.set(uuid, { ...made, unfinished: true });
    await createMachine(create, request);
    await journal.close();
  });

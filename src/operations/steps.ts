import { BlockhostError, explain } from '../domain/errors.ts';
import type { MachineMemory } from '../domain/journal/memory.ts';
import { HARM_OF, type Step, type StepArguments, type StepName } from '../domain/plan.ts';
import { type Authority, serve } from './authority.ts';
import type { Deps } from './deps.ts';
import { destroyMachine } from './destroy.ts';
import { destroyForGood } from './destroy-for-good.ts';
import { purgeMachine } from './purge.ts';
import { checkAddress } from './readdress.ts';
import { restoreMachine } from './restore.ts';
import { setLimits } from './set-limits.ts';
import { setLogin } from './set-login.ts';
import { undoCreate } from './undo-create.ts';

type Executors = {
  readonly [Name in StepName]: (
    deps: Deps,
    memory: MachineMemory,
    step: { readonly do: Name } & StepArguments[Name],
    authority: Authority | undefined,
  ) => Promise<void>;
};

const setLinks = async (deps: Deps, uuid: string, up: boolean): Promise<void> => {
  const domain = await deps.hypervisor.look(uuid);
  if (domain === 'absent') return;
  for (const { mac } of domain.interfaces) await deps.hypervisor.setLink(uuid, mac, up);
};

/** A route is gone after a reboot of the host (D27). Without it the guest is less reachable, not less alive. */
const routeTo = async (deps: Deps, { uuid, name, details }: MachineMemory): Promise<void> => {
  if (details.ipv6Address === '') return;
  await deps.hostRoutes.add(details.ipv6Address).catch((error: unknown) => {
    deps.log.warn({ vm: name, uuid, ipv6: details.ipv6Address, err: error }, 'no host route to a machine');
  });
};

/** A start loses limits. What cannot be set now is set at a later look, with an alarm: no reason not to run (L8). */
const limitAgain = async (deps: Deps, { uuid, name, limits }: MachineMemory): Promise<void> => {
  if (limits === undefined || Object.keys(limits).length === 0) return;
  try {
    await setLimits(deps, uuid, limits);
  } catch (error) {
    deps.log.warn({ vm: name, uuid, why: explain(error) }, 'limits not set after the start');
  }
};

const start: Executors['start'] = async (deps, memory, step) => {
  const { uuid, details } = memory;
  // An overlay on another base is another disk: the customer's data would be read as garbage, and written as such.
  if (details.base !== undefined) await deps.builder.verifyBase(details.base);
  await routeTo(deps, memory);
  if (step.dropSaved) await deps.hypervisor.dropSavedImage(uuid);
  if (step.linkDown) {
    await deps.journal.append([{ kind: 'link', uuid, up: false }]);
    await setLinks(deps, uuid, false);
  }
  try {
    await deps.hypervisor.start(uuid);
  } catch (error) {
    // The disk is whole even where the memory image is not: the customer loses a session, not data.
    if (!(error instanceof BlockhostError) || error.code !== 'saved-image-corrupt') throw error;
    await deps.hypervisor.dropSavedImage(uuid);
    await deps.hypervisor.start(uuid);
  }
  await limitAgain(deps, memory);
};

const EXECUTORS: Executors = {
  start,
  'request-shutdown': (deps, { uuid }, { mode }) => deps.hypervisor.requestShutdown(uuid, mode),
  save: (deps, { uuid }) => deps.hypervisor.save(uuid),
  resume: async (deps, { uuid }) => {
    const domain = await deps.hypervisor.look(uuid);
    if (domain !== 'absent' && domain.run === 'paused') await deps.hypervisor.resumePaused(uuid);
  },
  'power-off': (deps, { uuid }, { how }) => deps.hypervisor.powerOff(uuid, how),
  destroy: (deps, memory, _, authority) => destroyMachine(deps, memory, authority),
  restore: (deps, memory) => restoreMachine(deps, memory),
  purge: (deps, memory, _, authority) => purgeMachine(deps, memory, authority),
  'undo-create': (deps, memory) => undoCreate(deps, memory),
  'destroy-for-good': (deps, memory) => destroyForGood(deps, memory),
  'set-login': (deps, { uuid }, step) => setLogin(deps, uuid, step),
  limit: (deps, { uuid }, { limits }) => setLimits(deps, uuid, limits),
  'check-address': (deps, memory) => checkAddress(deps, memory),
  'link-up': async (deps, { uuid }) => {
    await setLinks(deps, uuid, true);
    await deps.journal.append([{ kind: 'link', uuid, up: true }]);
  },
};

type Executor = (deps: Deps, memory: MachineMemory, step: Step, authority?: Authority) => Promise<void>;

/**
 * Performs one step. No step of a suspension goes past its warrant; a destruction shows its own later, last of all. The table
 * of executors is complete by its type; the cast only joins what the mapped type split.
 */
export const performStep: Executor = async (deps, memory, step, authority) => {
  if (HARM_OF[step.do] === 'suspend') await serve(deps, memory, 'suspend', authority);
  await (EXECUTORS[step.do] as Executor)(deps, memory, step, authority);
};

import type { JournalEvent } from './event.ts';
import { withMachine, withoutMachine } from './machine-map.ts';
import type { JournalState, MachineMemory, StopCause, Suspending } from './memory.ts';
import { withAddresses, withAddressesTaken, withAddressesTold } from './readdressed.ts';

/** How long harmful decisions are remembered for the breaker; longer than any window that can be configured. */
const HARM_MEMORY_MS = 7 * 24 * 3600 * 1000;

/** The key under which crashes are counted among a machine's failures. */
export const CRASH = 'crash';
const CRASHES_IN_A_ROW_MS = 15 * 60 * 1000;

type MachineEvent = Extract<JournalEvent, { uuid: string }>;

const suspendingFrom = (memory: MachineMemory, atUnixMs: number): Suspending =>
  memory.suspending ?? {
    sinceUnixMs: atUnixMs,
    requests: 0,
    lastRequestUnixMs: 0,
    powerOffs: 0,
    lastPowerOffUnixMs: 0,
    saveFailed: false,
  };

const withIntent = (memory: MachineMemory, step: string, atUnixMs: number): MachineMemory => {
  const suspending = suspendingFrom(memory, atUnixMs);
  switch (step) {
    case 'request-shutdown':
      return {
        ...memory,
        suspending: { ...suspending, requests: suspending.requests + 1, lastRequestUnixMs: atUnixMs },
      };
    case 'save':
      return { ...memory, suspending };
    case 'power-off':
      return {
        ...memory,
        suspending: { ...suspending, powerOffs: suspending.powerOffs + 1, lastPowerOffUnixMs: atUnixMs },
      };
    case 'destroy':
      return { ...memory, phase: 'destroying' };
    case 'restore':
      return { ...memory, phase: 'restoring' };
    default:
      return memory;
  }
};

/** What was asked of a guest counts from its outcome on, however it ended: libvirt may have passed it on only then (L8). */
const askedUntil = (suspending: Suspending | undefined, step: string, atUnixMs: number): Suspending | undefined => {
  if (suspending === undefined) return undefined;
  if (step === 'request-shutdown') return { ...suspending, lastRequestUnixMs: atUnixMs };
  return step === 'power-off' ? { ...suspending, lastPowerOffUnixMs: atUnixMs } : suspending;
};

const withOutcome = (
  memory: MachineMemory,
  event: Extract<JournalEvent, { kind: 'outcome' }>,
  atUnixMs: number,
): MachineMemory => {
  const { [event.step]: before, ...others } = memory.failures;
  // A machine that was started is not being suspended any more, whatever was asked of it before.
  if (event.ok && event.step === 'start') return { ...memory, failures: others, suspending: undefined };
  if (event.ok && event.step === 'check-address') return { ...withAddressesTaken(memory), failures: others };
  const asked = askedUntil(memory.suspending, event.step, atUnixMs);
  if (event.ok) return { ...memory, suspending: asked, failures: others };
  const failure = {
    count: (before?.count ?? 0) + 1,
    lastUnixMs: atUnixMs,
    message: event.error ?? 'failed',
    curable: event.curable ?? true,
  };
  const suspending = event.step === 'save' && asked ? { ...asked, saveFailed: true } : asked;
  return { ...memory, suspending, failures: { ...others, [event.step]: failure } };
};

/** Crashes in a row are counted like failures of a step, so that a guest that dies at once is not started in a circle (L8). */
const withCrash = (memory: MachineMemory, cause: StopCause, atUnixMs: number): MachineMemory => {
  if (cause !== 'crash') return memory;
  const before = memory.failures[CRASH];
  const inARow = before !== undefined && atUnixMs - before.lastUnixMs < CRASHES_IN_A_ROW_MS ? before.count : 0;
  const crash = { count: inARow + 1, lastUnixMs: atUnixMs, message: 'the guest or its qemu died', curable: true };
  return { ...memory, failures: { ...memory.failures, [CRASH]: crash } };
};

const stoppedByHand = ({ run, adminStop }: MachineMemory): boolean => run?.cause === 'admin' || adminStop !== undefined;

const isFirst = (event: MachineEvent): event is FirstEvent =>
  event.kind === 'machine-known' || event.kind === 'create-begun';

const foldMachine = (memory: MachineMemory, event: MachineEvent, atUnixMs: number): MachineMemory => {
  switch (event.kind) {
    case 'machine-known':
      return { ...memory, name: event.name, details: event.details };
    case 'create-begun':
    case 'create-undone':
    case 'guest-exec':
      return memory;
    case 'created':
      // On as far as anybody was told: whatever interrupts the first start, the machine is started again (L6).
      return { ...memory, phase: 'present', run: { on: true, atUnixMs, bootId: event.bootId } };
    case 'details-changed':
      return { ...memory, details: event.details };
    case 'seen-running':
      return {
        ...memory,
        run: { on: true, atUnixMs, bootId: event.bootId },
        // Off before and on now: whoever started it has taken the stop back.
        adminStop: memory.run?.on === false ? undefined : memory.adminStop,
      };
    case 'seen-off':
      return withCrash(
        { ...memory, run: { on: false, cause: event.cause, atUnixMs, bootId: event.bootId } },
        event.cause,
        atUnixMs,
      );
    case 'expiry-read':
      return { ...memory, lastExpiresAtUnix: event.expiresAtUnix };
    case 'witnessed':
      // The first read stays: the gap is counted from it (D22). Reads that said something else are void.
      return {
        ...memory,
        witnesses: [...memory.witnesses.filter((read) => read.expiresAtUnix === event.read.expiresAtUnix), event.read],
      };
    case 'intent':
      return withIntent(memory, event.step, atUnixMs);
    case 'outcome':
      return withOutcome(memory, event, atUnixMs);
    case 'suspended':
      return {
        ...memory,
        suspending: undefined,
        suspendedAtUnixMs: event.atUnixMs,
        run: memory.run && { ...memory.run, on: false, cause: stoppedByHand(memory) ? 'admin' : 'expiry' },
      };
    case 'suspension-over':
      return { ...memory, suspending: undefined, suspendedAtUnixMs: undefined, witnesses: [] };
    case 'quarantined':
      return {
        ...memory,
        phase: 'quarantined',
        quarantine: { sinceUnixMs: atUnixMs, untilUnixMs: event.untilUnixMs },
        witnesses: [],
      };
    case 'readdressed':
      return withAddresses(memory, event);
    case 'restored':
      return { ...withAddressesTold(memory), phase: 'present', quarantine: undefined, witnesses: [] };
    case 'purged':
      return { ...memory, phase: 'gone', quarantine: undefined };
    case 'new-owner':
      return { ...memory, newOwnerSinceUnixMs: memory.newOwnerSinceUnixMs ?? atUnixMs };
    case 'owner-settled':
      return { ...memory, newOwnerSinceUnixMs: undefined };
    case 'login-begun':
      return { ...memory, loginUnsure: true };
    case 'login-set':
      return { ...memory, loginOwner: event.owner, loginUnsure: undefined, newOwnerSinceUnixMs: undefined };
    case 'link':
      return { ...memory, linkDownSinceUnixMs: event.up ? undefined : (memory.linkDownSinceUnixMs ?? atUnixMs) };
    case 'hold':
      return {
        ...memory,
        hold: { reason: event.reason, by: event.by, sinceUnixMs: atUnixMs, untilUnixMs: event.untilUnixMs },
      };
    case 'release':
      return { ...memory, hold: undefined };
    case 'protect':
      return {
        ...memory,
        protect: { reason: event.reason, by: event.by, sinceUnixMs: atUnixMs, untilUnixMs: event.untilUnixMs },
      };
    case 'unprotect':
      return { ...memory, protect: undefined };
    case 'stopped-by-hand':
      return { ...memory, adminStop: { by: event.by, sinceUnixMs: atUnixMs } };
    case 'started-by-hand':
      // A suspension under way stays known until a start is done: what goes off meanwhile was not its owner's doing.
      return { ...memory, adminStop: undefined };
    case 'granted':
      return { ...memory, grantUntilUnix: event.untilUnix };
    case 'destroy-ordered':
      return { ...memory, ordered: { by: event.by, sinceUnixMs: atUnixMs } };
    case 'limits-set':
      return { ...memory, limits: event.limits };
    case 'limits-forgotten':
      return { ...memory, limits: undefined };
  }
};

type FirstEvent = Extract<JournalEvent, { kind: 'machine-known' | 'create-begun' }>;

const newMachine = (event: FirstEvent): MachineMemory => ({
  uuid: event.uuid,
  name: event.name,
  machineClass: event.machineClass,
  details: event.details,
  phase: event.kind === 'create-begun' ? 'creating' : 'present',
  witnesses: [],
  failures: {},
});

const withHarm = (state: JournalState, event: MachineEvent, atUnixMs: number): JournalState => {
  if (event.kind !== 'intent' || event.harm === undefined) return state;
  const recent = state.harm.filter((entry) => entry.atUnixMs > atUnixMs - HARM_MEMORY_MS);
  return { ...state, harm: [...recent, { kind: event.harm, uuid: event.uuid, atUnixMs }] };
};

/** One acknowledgement releases one event (L10): the breaker, the doubt about the clock or the chain, or a parked machine. */
const withAck = (state: JournalState, what: string, atUnixMs: number): JournalState => {
  if (what === 'chain') return { ...state, chainAckUnixMs: atUnixMs };
  if (what === 'clock') return { ...state, clockDoubt: undefined };
  if (what === 'breaker:suspend' || what === 'breaker:destroy') {
    const harm = what.slice('breaker:'.length);
    return {
      ...state,
      breaker: Object.fromEntries(Object.entries(state.breaker).filter(([kind]) => kind !== harm)),
      harm: state.harm.filter((entry) => entry.kind !== harm),
    };
  }
  // `what` is an operator's text: `constructor` is no machine.
  const memory = Object.hasOwn(state.machines, what) ? state.machines[what] : undefined;
  return memory ? { ...state, machines: withMachine(state.machines, { ...memory, failures: {} }) } : state;
};

/**
 * The journal's meaning: state after one more event. Pure and total; an event about a machine that the journal does
 * not know is without effect (its `machine-known` was lost with a torn tail, and will be written again).
 */
export const foldJournal = (state: JournalState, event: JournalEvent, atUnixMs: number): JournalState => {
  if ('uuid' in event) {
    const before = Object.hasOwn(state.machines, event.uuid) ? state.machines[event.uuid] : undefined;
    const memory = before ?? (isFirst(event) ? newMachine(event) : undefined);
    if (memory === undefined) return state;
    if (event.kind === 'create-undone') return { ...state, machines: withoutMachine(state.machines, event.uuid) };
    const machines = withMachine(state.machines, foldMachine(memory, event, atUnixMs));
    return withHarm({ ...state, machines }, event, atUnixMs);
  }
  switch (event.kind) {
    case 'ack':
      return withAck(state, event.what, atUnixMs);
    case 'breaker-tripped':
      return { ...state, breaker: { ...state.breaker, [event.harm]: { atUnixMs, reason: event.reason } } };
    case 'clock-jumped':
      return { ...state, clockDoubt: { atUnixMs, byMs: event.byMs } };
    case 'chain-advanced':
      return { ...state, cursors: { ...state.cursors, [event.follower]: event.cursor } };
  }
};

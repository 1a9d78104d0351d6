import type { RunReason, RunState } from '../../domain/domain-state.ts';

/** libvirt's numbers for a domain's state and its reason, in words. A number that we do not know is `no-state`/`other`. */
export const runStateOf = (state: number, reason: number): { readonly run: RunState; readonly reason: RunReason } => {
  const run = states[state] ?? 'no-state';
  return { run, reason: reasons[run]?.[reason] ?? (reason === 0 ? 'unknown' : 'other') };
};

/** virDomainState, by number. */
const states: readonly RunState[] = [
  'no-state',
  'running',
  'blocked',
  'paused',
  'shutting-down',
  'off',
  'crashed',
  'pmsuspended',
];

/** The reasons that some rule asks about, per state (virDomainShutoffReason, virDomainPausedReason, …). */
const reasons: Partial<Record<RunState, Readonly<Record<number, RunReason>>>> = {
  running: { 1: 'booted', 4: 'snapshot' },
  paused: { 1: 'user', 3: 'saving', 5: 'io-error', 7: 'snapshot', 9: 'snapshot', 10: 'crashed' },
  'shutting-down': { 1: 'user' },
  off: { 1: 'shutdown', 2: 'destroyed', 3: 'crashed', 5: 'saved', 6: 'failed', 7: 'snapshot', 8: 'daemon' },
  crashed: { 1: 'crashed' },
};

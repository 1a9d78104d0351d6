import { isOn } from './domain-state.ts';
import { isPaid, type Row, type Situation, wait, withPermit } from './situation.ts';

/** Rows for a machine that has no domain, or is on its way to or from having none. */

const domainThere = ({ domain }: Situation): boolean => domain !== undefined;

const missingFor = ({ observation }: Situation): number =>
  observation.absentSinceUnixMs === undefined ? 0 : observation.nowUnixMs - observation.absentSinceUnixMs;

const protectedNow = ({ memory, observation }: Situation): boolean =>
  memory.protect !== undefined && (memory.protect.untilUnixMs ?? Number.POSITIVE_INFINITY) > observation.nowUnixMs;

const CREATE_LOOK_MS = 5000;

export const AWAY_ROWS: readonly Row[] = [
  {
    state: 'creating',
    row: 'create-broken-off',
    to: 'gone',
    when: ({ observation }) => observation.createRuns.known && !observation.createRuns.value,
    outcome: () => ({ because: 'its create ended before it was committed', step: { do: 'undo-create' } }),
  },
  {
    state: 'creating',
    row: 'being-created',
    to: 'running',
    when: () => true,
    outcome: (s) => wait('its create is under way', s.observation.nowUnixMs + CREATE_LOOK_MS),
  },
  {
    state: 'condemned',
    row: 'protected-from-destroy',
    to: 'condemned',
    when: protectedNow,
    outcome: (s) => wait(`protected by ${s.memory.protect?.by}`, s.memory.protect?.untilUnixMs),
  },
  {
    state: 'condemned',
    row: 'destroy-ordered',
    to: 'gone',
    when: () => true,
    outcome: (s) => ({ because: `destroyed by ${s.memory.ordered?.by}`, step: { do: 'destroy-for-good' } }),
  },
  {
    state: 'destroying',
    row: 'started-while-destroying',
    to: 'restoring',
    when: ({ domain }) => domain !== undefined && isOn(domain),
    outcome: () => ({
      because: 'somebody started it before it was taken apart',
      step: { do: 'restore' },
      report: { level: 'warn', what: 'started by hand in the middle of its destruction: the destruction is undone' },
    }),
  },
  {
    state: 'destroying',
    row: 'paid-while-destroying',
    to: 'restoring',
    when: isPaid,
    outcome: () => ({ because: 'paid before the last step: the destroy is undone', step: { do: 'restore' } }),
  },
  {
    state: 'destroying',
    row: 'destroy-goes-on',
    to: 'quarantined',
    when: () => true,
    outcome: (s) =>
      withPermit(s, { kind: 'destroy', begun: true }, (because) => ({
        because: `${because}; finishing what was begun`,
        step: { do: 'destroy' },
      })),
  },
  {
    state: 'restoring',
    row: 'restore-goes-on',
    to: 'off',
    when: () => true,
    outcome: () => ({ because: 'finishing what was begun', step: { do: 'restore' } }),
  },
  {
    state: 'quarantined',
    row: 'back-by-hand',
    to: 'off',
    when: domainThere,
    outcome: () => ({
      because: 'somebody defined the domain again',
      report: { level: 'error', what: 'in quarantine, yet its domain is back: nothing is purged; decide by hand' },
    }),
  },
  {
    state: 'quarantined',
    row: 'late-payment',
    to: 'restoring',
    when: isPaid,
    outcome: () => ({ because: 'paid within quarantine', step: { do: 'restore' } }),
  },
  {
    state: 'quarantined',
    row: 'in-quarantine',
    to: 'quarantined',
    when: (s) => s.observation.nowUnixMs < (s.memory.quarantine?.untilUnixMs ?? Number.MAX_SAFE_INTEGER),
    outcome: (s) => wait('kept for a late payment', s.memory.quarantine?.untilUnixMs),
  },
  {
    state: 'quarantined',
    row: 'quarantine-over',
    to: 'gone',
    when: () => true,
    outcome: (s) =>
      withPermit(s, { kind: 'destroy', begun: true }, (because) => ({
        because: `${because}; quarantine has passed`,
        step: { do: 'purge' },
      })),
  },
  {
    state: 'missing',
    row: 'paid-but-missing',
    to: 'missing',
    when: (s) => isPaid(s) && missingFor(s) >= s.policy.missingAfterMs,
    outcome: () => ({
      because: 'paid for, and libvirt has no such domain',
      report: { level: 'error', what: 'paid for, and its domain is missing: restore it, or run create' },
    }),
  },
  {
    state: 'missing',
    row: 'missing',
    to: 'missing',
    when: () => true,
    outcome: (s) =>
      wait(
        'libvirt has no such domain',
        s.observation.absentSinceUnixMs === undefined
          ? undefined
          : s.observation.absentSinceUnixMs + s.policy.missingAfterMs + 1,
      ),
  },
  {
    state: 'gone',
    row: 'paid-but-gone',
    to: 'gone',
    // Only a record pays for it, and that one was still paid when the operator ordered the end (D14): no payment came.
    when: (s) => isPaid(s) && !(s.memory.ordered && s.memory.machineClass.kind === 'record-only'),
    outcome: () => ({
      because: 'paid for after it was purged',
      report: { level: 'error', what: 'paid for, but purged before: its customer needs a new machine' },
    }),
  },
  { state: 'gone', row: 'gone', to: 'gone', when: () => true, outcome: () => wait('purged') },
];

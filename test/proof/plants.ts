/** A change of one place of the shipped code. `find` stands there exactly once. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** A fault that the simulator has to see by its own means: applied alone, to a copy that is bundled. */
export interface Plant {
  readonly name: string;
  /** What it breaks (ARCHITECTURE.md). */
  readonly rules: string;
  readonly edits: readonly Edit[];
}

const one = (name: string, rules: string, file: string, find: string, put: string): Plant => ({
  name,
  rules,
  edits: [{ file, find, put }],
});

/** The warrant, which would refuse what a faulty decision permits: without it, the decision stands alone. */
const blindWarrant: Edit = {
  file: 'src/domain/warrant/objections.ts',
  find: '  if (fresh.uuid !== facts.uuid) return',
  put: "  if (fresh.uuid !== '') return [];\n  if (fresh.uuid !== facts.uuid) return",
};

const PERMIT = 'src/domain/permit.ts';
const UNKNOWN_REFUSED = "  if (!expiry.known) return refuse('facts-unknown', ";
const UNKNOWN_PASSES = `  if (!expiry.known) return undefined;
${UNKNOWN_REFUSED}`;

export const PLANTS: readonly Plant[] = [
  {
    name: 'an unknown level is read as over',
    rules: 'L3, L9',
    edits: [{ file: PERMIT, find: UNKNOWN_REFUSED, put: UNKNOWN_PASSES }, blindWarrant],
  },
  {
    name: 'the same, with the warrant as it ships',
    rules: 'L3, L9',
    edits: [{ file: PERMIT, find: UNKNOWN_REFUSED, put: UNKNOWN_PASSES }],
  },
  {
    name: 'no level says paid',
    rules: 'L9, C11',
    edits: [
      {
        file: PERMIT,
        find: '  if (expiresAtUnixMs > Math.max(blockUnixMs, nowUnixMs)) {',
        put: '  if (expiresAtUnixMs > Number.MAX_SAFE_INTEGER) {',
      },
      {
        file: PERMIT,
        find: '  if (nowUnixMs <= overAt)\n',
        put: '  if (nowUnixMs <= 0)\n',
      },
      {
        file: PERMIT,
        find: '  if (blockUnixMs > overAt) return undefined;',
        put: '  if (blockUnixMs > 0) return undefined;',
      },
      {
        file: 'src/domain/standing.ts',
        find: "  if (expiry.expiresAtUnixMs > later) return 'paid';",
        put: "  if (expiry.expiresAtUnixMs > later + 3_600_000) return 'paid';",
      },
      {
        file: 'src/domain/standing.ts',
        find: "  return earlier > expiry.expiresAtUnixMs + policy.expiryMarginMs ? 'over' : 'ending';",
        put: "  return 'over';",
      },
      blindWarrant,
    ],
  },
  {
    name: 'grace counts from the expiry alone',
    rules: 'C10',
    edits: [
      {
        file: 'src/domain/standing.ts',
        find: '): number => Math.max(expiresAtUnixMs, suspendedAtUnixMs ?? 0) + policy.graceMs;',
        put: '): number => Math.max(expiresAtUnixMs, 0 * (suspendedAtUnixMs ?? 0)) + policy.graceMs;',
      },
      blindWarrant,
    ],
  },
  one(
    'what is acknowledged is not on disk',
    'L4, C2',
    'src/drivers/journal/append-lines.ts',
    '    await file.handle.datasync();',
    '    // not synced',
  ),
  one(
    'the dirty flag is dropped',
    'L2',
    'streams/operators/coalesce-map.ts',
    '          waiting = { value };',
    '          waiting = undefined;',
  ),
  one(
    'a protection is not heeded',
    'L11',
    PERMIT,
    '  if (protect && (protect.untilUnixMs === undefined || protect.untilUnixMs > nowUnixMs)) {',
    '  if (protect && protect.untilUnixMs === 0) {',
  ),
  one(
    'a hold is not heeded',
    'L11',
    'src/domain/decide.ts',
    '  if (hold === undefined || (hold.untilUnixMs ?? 0) <= nowUnixMs) return undefined;',
    '  if (hold === undefined || (hold.untilUnixMs ?? 0) > 0) return undefined;',
  ),
  one(
    'addresses are not given back',
    'D21',
    'src/operations/close-record.ts',
    'await deps.records.releaseAddresses(',
    'await (async (..._: string[]) => undefined)(',
  ),
  one(
    'a record keeps an expiry that is not the chain’s',
    'L12',
    'src/domain/upkeep.ts',
    '    ...(expiresAtUnix === undefined || record.expiresAtUnix === expiresAtUnix ? {} : { expiresAtUnix }),\n',
    '',
  ),
  one(
    'the login is never given to a new owner',
    'D25',
    'src/operations/set-login.ts',
    "await deps.journal.append([{ kind: 'login-set'",
    "await (async (..._: unknown[]) => undefined)([{ kind: 'login-set'",
  ),
  one(
    'a node that says that there is none is believed at once, and for ever',
    'C7, D9',
    'src/operations/create/binding.ts',
    'fact.value.atBlock.timestampUnix > askedUnix',
    'fact.value.atBlock.timestampUnix > 0n',
  ),
  one(
    'a failed step is tried again at once',
    'L8',
    'src/domain/backoff.ts',
    '  return failure.lastUnixMs + Math.round(fullMs * spread(uuid, failure.count));',
    '  return failure.lastUnixMs + 0 * Math.round(fullMs * spread(uuid, failure.count));',
  ),
  one(
    'the breaker never trips',
    'L10',
    'src/domain/breaker.ts',
    '  if (recent.size < allowed) return undefined;',
    '  if (recent.size < Number.MAX_SAFE_INTEGER) return undefined;',
  ),
];

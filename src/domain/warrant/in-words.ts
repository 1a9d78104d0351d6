import type { EntitlementView } from '../entitlement.ts';
import type { MachineMemory } from '../journal/memory.ts';
import { moment, momentOfSeconds } from '../moment.ts';
import type { Policy } from '../policy.ts';
import type { Warrant } from './warrant.ts';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** `7 d`, `90 min`, `1.5 s`: in the largest unit that leaves a whole number. */
export const span = (ms: number): string => {
  const [unit, size] = UNITS.find(([, each]) => ms >= each && ms % each === 0) ?? ['s', 1000];
  return `${ms / size} ${unit}`;
};

const chainLines = (view: EntitlementView): readonly string[] => {
  const levels = (['head', 'safe', 'finalized'] as const).map((level) => {
    const fact = view[level];
    if (!fact.known) return `at ${level}: unknown, ${fact.why}`;
    const { expiresAtUnix, cancelled, atBlock } = fact.value;
    const what = cancelled ? 'cancelled, ended' : 'paid until';
    return `at ${level}: ${what} ${momentOfSeconds(expiresAtUnix)} (block ${atBlock.number} ${atBlock.hash} of ${momentOfSeconds(atBlock.timestampUnix)})`;
  });
  const witnesses = view.witnesses.map(
    ({ endpoint, expiresAtUnix, blockNumber }) =>
      `${endpoint} says ${momentOfSeconds(expiresAtUnix)} at block ${blockNumber}`,
  );
  return witnesses.length === 0 ? levels : [...levels, `witnesses: ${witnesses.join('; ')}`];
};

const graceLines = (
  { suspendedAtUnixMs, grantUntilUnix, witnesses }: MachineMemory,
  policy: Policy,
): readonly string[] => [
  ...(suspendedAtUnixMs === undefined
    ? []
    : [
        `suspended since ${moment(suspendedAtUnixMs)}; grace of ${span(policy.graceMs)} counts from then at the earliest`,
      ]),
  ...(grantUntilUnix === undefined ? [] : [`granted by an operator until ${momentOfSeconds(grantUntilUnix)}`]),
  ...witnesses.map(({ endpoint, readAtUnixMs }) => `read before: ${endpoint} at ${moment(readAtUnixMs)}`),
];

/** What a step was taken on, a line each, for people. */
export const warrantInWords = ({ code, policy, facts }: Warrant): readonly string[] => {
  const { chain, domain, record, memory } = facts;
  const guest = !domain.known ? `unknown, ${domain.why}` : domain.value === 'absent' ? 'absent' : domain.value.run;
  const status = !record.known ? `unknown, ${record.why}` : (record.value?.status ?? 'absent');
  return [
    `at ${moment(facts.nowUnixMs)} by the wall clock; domain ${guest}, record ${status}`,
    ...(chain.kind === 'view' ? chainLines(chain.view) : []),
    ...(chain.kind === 'not-configured' ? ['no chain was configured'] : []),
    ...(memory ? graceLines(memory, policy) : []),
    `decided by version ${code} under policy ${policy.version}`,
  ];
};

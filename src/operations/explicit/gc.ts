import type { Explicit } from './context.ts';
import { executeGc } from './gc-execute.ts';
import { type GcPlan, planGc } from './gc-plan.ts';

export interface GcOptions {
  readonly execute: boolean;
  readonly suspend: boolean;
  readonly destroy: boolean;
  /** How many machines are worked on at once. */
  readonly width: number;
}

/**
 * `Suspend: 3 candidates`, `Destroy: 1 candidate`: the contract's own examples, one of which is a single one; `N
 * candidates` of the later page is the same for every other number.
 */
export const countLine = (phase: 'Suspend' | 'Destroy', count: number): string =>
  `${phase}: ${count} ${count === 1 ? 'candidate' : 'candidates'}`;

const narrowed = (plan: GcPlan, { suspend, destroy }: GcOptions): GcPlan => ({
  ...plan,
  suspend: suspend ? plan.suspend : [],
  destroy: destroy ? plan.destroy : [],
  purge: destroy ? plan.purge : [],
});

/**
 * `gc`: the daemon's decision about every machine, never an order (D14). Told, or with `execute` carried out; resolves to
 * whether all that was due and permitted is done.
 */
export const collectGarbage = async (ctx: Explicit, options: GcOptions): Promise<boolean> => {
  const { deps, fleet, say, warn } = ctx;
  await deps.journal.refresh();
  const plan = narrowed(await planGc(deps, fleet), options);
  if (options.suspend) say(countLine('Suspend', plan.suspend.length));
  if (options.destroy) say(countLine('Destroy', plan.destroy.length));
  for (const [reason, names] of plan.waiting) {
    say(`Waiting: ${names.length} (${reason})`);
    warn(`waiting (${reason}): ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', ...' : ''}`);
  }
  if (!options.execute) {
    const name = (uuid: string): string => fleet.nameOf(uuid) ?? uuid;
    for (const uuid of plan.suspend) warn(`would suspend ${name(uuid)}`);
    for (const uuid of plan.destroy) warn(`would destroy ${name(uuid)}`);
    return true;
  }
  const unfinished = await executeGc(ctx, plan, options.width);
  for (const { name, because } of unfinished) warn(`${name} is not done: ${because}`);
  return unfinished.length === 0;
};

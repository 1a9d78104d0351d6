import { BlockhostError } from '../domain/errors.ts';
import type { HarmKind, MachineMemory } from '../domain/journal/memory.ts';
import type { Observation } from '../domain/observation.ts';
import { objections } from '../domain/warrant/objections.ts';
import type { Warrant } from '../domain/warrant/warrant.ts';
import type { Deps } from './deps.ts';

/*
 * INVARIANTS
 * - Nobody harms a machine without an authority in hand, and whoever harms looks at it himself, last of all (L5, L9).
 * - Before a destruction he looks at everything anew: host, journal, and the chain with its witnesses. This one reading is
 *   made under the machine's lock: nothing that is kind waits for a machine whose grace has passed.
 */

/** On whose word a machine is harmed: the decision's, with its warrant, or that of an explicit `destroy` (D14). */
export type Authority =
  | { readonly kind: 'warrant'; readonly warrant: Warrant; readonly lookAgain: () => Promise<Observation> }
  | { readonly kind: 'order' };

const refuse = (code: string, { name }: MachineMemory, why: string, retryable: boolean): BlockhostError =>
  new BlockhostError(`${name} is left alone: ${why}`, { code, retryable });

/**
 * Throws unless the harm may be done now: `no-warrant` where nobody showed one (a defect, not curable), `warrant-refused`
 * (curable) with everything that speaks against it.
 */
export const serve = async (
  deps: Pick<Deps, 'journal'>,
  memory: MachineMemory,
  kind: HarmKind,
  authority: Authority | undefined,
): Promise<void> => {
  if (authority === undefined) throw refuse('no-warrant', memory, `nobody showed a warrant to ${kind} it`, false);
  if (authority.kind === 'order') {
    if (deps.journal.state().machines[memory.uuid]?.ordered !== undefined) return;
    throw refuse('no-warrant', memory, 'nobody ordered its end', false);
  }
  const { warrant, lookAgain } = authority;
  // A suspension can be undone: its warrant is judged as it stands, by other eyes than those that drew it.
  const fresh = kind === 'destroy' ? await lookAgain() : warrant.facts;
  const against = objections(warrant, kind, fresh);
  if (against.length > 0) throw refuse('warrant-refused', memory, against.join('; '), true);
};

import * as z from 'zod';
import type { Observation } from '../observation.ts';
import type { Policy } from '../policy.ts';
import { factsSchema } from './facts-schema.ts';
import { policyFactsSchema } from './policy-schema.ts';

/**
 * What a step is taken on, whole: the facts of the moment (host, chain at every level with blocks and witnesses, both
 * clocks, what the journal remembered, grace and operators' words among it), the policy and the version of the code
 * that decided. It stands in the journal with the intent (L9), and harm is done to a machine with one, or not at all.
 */
export interface Warrant {
  /** Version of the program that decided. */
  readonly code: string;
  readonly policy: Policy;
  readonly facts: Observation;
}

const warrantSchema: z.ZodType<Warrant> = z.object({ code: z.string(), policy: policyFactsSchema, facts: factsSchema });

/** A warrant out of the journal; undefined where another version wrote what this one cannot read. */
export const parseWarrant = (value: unknown): Warrant | undefined => {
  const parsed = warrantSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
};

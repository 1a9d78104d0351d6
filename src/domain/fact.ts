/**
 * A fact is known or unknown; unknown is a value of its own and never reads as "no" (L3).
 * `sinceUnixMs` says since when it has been unknown, so that the log can tell an operator.
 */
export type Fact<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string; readonly sinceUnixMs: number };

export const known = <T>(value: T): Fact<T> => ({ known: true, value });

export const unknown = (why: string, sinceUnixMs: number): Fact<never> => ({ known: false, why, sinceUnixMs });

import { graceIsKept } from './grace-is-kept.ts';
import { harmNeedsExpiry } from './harm-needs-expiry.ts';
import { loginFollowsOwner } from './login-follows-owner.ts';
import { nothingLeaks } from './nothing-leaks.ts';
import { nothingShared } from './nothing-shared.ts';
import { nothingTwice } from './nothing-twice.ts';
import { oneForOne } from './one-for-one.ts';
import { paidIsKept } from './paid-is-kept.ts';
import { paidRuns } from './paid-runs.ts';
import { quietIsQuiet } from './quiet-is-quiet.ts';
import { recordConverges } from './record-converges.ts';
import type { Invariant } from './sight.ts';
import { unknownHarmsNobody } from './unknown-harms-nobody.ts';
import { unpaidEnds } from './unpaid-ends.ts';
import { wordsAreHeeded } from './words-are-heeded.ts';

/** Everything that no history may break. */
export const INVARIANTS: readonly Invariant[] = [
  paidRuns,
  paidIsKept,
  harmNeedsExpiry,
  unknownHarmsNobody,
  unpaidEnds,
  graceIsKept,
  oneForOne,
  nothingShared,
  nothingLeaks,
  recordConverges,
  nothingTwice,
  quietIsQuiet,
  loginFollowsOwner,
  wordsAreHeeded,
];

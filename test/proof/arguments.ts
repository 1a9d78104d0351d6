import { parseDuration } from '../../src/config/duration.ts';

/** What was asked for on the command line. */
export type Asked =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly why: string }
  | {
      readonly kind: 'proof';
      readonly seed: number | undefined;
      readonly allPlants: boolean;
      /** The soak alone, for so long; undefined for all rows. */
      readonly soakMs: number | undefined;
      /** The soak does harm itself: the run must then fail. */
      readonly sabotaged: boolean;
    };

export const HELP = `Shows in one table that no paying customer is harmed. Twelve minutes at most, on two cores.

  npm run proof                       all rows
  npm run proof -- --soak 20m         the soak alone, for so long
  npm run proof -- --seed 7           chance begins there, instead of anywhere; the seed is always told
  npm run proof -- --all-plants       every planted fault instead of a sample: a minute each at most
  npm run proof -- --soak 1m --break  the soak destroys a machine that is paid for: must exit 1

The rows:
  histories      npm run sim, for a while: the daemon on a virtual clock, with models of everything around it
  coverage       which faults met machines in which states in those histories
  plants         faults that are put into copies of the code; the simulator must see each of them
  crash points   real processes that are killed before and after each effect of a create and of a destroy
  soak           real parts: anvil, libvirtd, guests, the daemon and the commands that ship, with short times

In the soak customers buy, extend, cancel and hand on at random, branches are replaced, qemus, libvirtd and the daemon are
killed, endpoints cut. An observer apart from the daemon looks at chain, domains, files and records about once a second, and
asks the simulator's own rules: paid-is-kept, paid-runs, harm-needs-expiry, unknown-harms-nobody, grace-is-kept, unpaid-ends,
nothing-shared, one-for-one; once all has come to rest also nothing-leaks, record-converges and quiet-is-quiet. Ten of its
seconds count as one of the rules' minutes. On real parts nobody looks at nothing-twice (two hands at one machine at once
leave no trace), login-follows-owner but at the end, and words-are-heeded (nobody speaks any). A save that was made of times
so short is no suspension's; the breaker's counts are out of the way. When the host is so busy that looks come late, nobody
is called slow for it.

Verdicts: ok; short, a shortfall that is told and breaks nothing; BROKEN. Exit status: 0 when nothing is broken, else 1.
`;

const whole = (text: string): number | undefined => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);

const SHORTEST_SOAK_MS = 10_000;

/** Reads the arguments; whatever is not understood is wrong, in one sentence. */
export const readArguments = (argv: readonly string[]): Asked => {
  const wrong = (why: string): Asked => ({ kind: 'wrong', why });
  let seed: number | undefined;
  let soakMs: number | undefined;
  let [allPlants, sabotaged] = [false, false];
  for (let index = 0; index < argv.length; index += 1) {
    const [flag, value = ''] = [argv[index], argv[index + 1]];
    if (flag === '--help' || flag === '-h') return { kind: 'help' };
    if (flag === '--all-plants') allPlants = true;
    else if (flag === '--break') sabotaged = true;
    else if (flag === '--seed' || flag === '--soak') {
      index += 1;
      if (flag === '--seed') seed = whole(value);
      else soakMs = parseDuration(value);
      if (flag === '--seed' && seed === undefined) return wrong('--seed wants a whole number of at most nine digits');
      if (flag === '--soak' && (soakMs ?? 0) < SHORTEST_SOAK_MS)
        return wrong('--soak wants a duration from 10s on, such as 20m');
    } else return wrong(`${flag} is not understood; --help tells what is`);
  }
  if (sabotaged && soakMs === undefined) return wrong('--break wants --soak: it is the soak that is sabotaged');
  if (allPlants && soakMs !== undefined) return wrong('--soak runs the soak alone, without any plants');
  return { kind: 'proof', seed, allPlants, soakMs, sabotaged };
};

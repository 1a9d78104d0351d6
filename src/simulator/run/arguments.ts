import { parseDuration } from '../../config/duration.ts';

/** What was asked for on the command line. */
export type Asked =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly why: string }
  | { readonly kind: 'scenario'; readonly file: string }
  | { readonly kind: 'seed'; readonly seed: number }
  | {
      readonly kind: 'campaign';
      readonly name: string;
      readonly from: number | undefined;
      readonly histories: number | undefined;
      readonly forMs: number | undefined;
    }
  | {
      readonly kind: 'many';
      readonly from: number | undefined;
      readonly histories: number;
      readonly forMs: number | undefined;
    };

export const HELP = `Plays histories of the provisioner in seconds instead of years: the daemon as it ships, on models of chain, nodes,
libvirt, disk and people, and looks at every step whether a customer was harmed.

  npm run sim                         2000 histories with fresh seeds
  npm run sim -- --histories 50       so many
  npm run sim -- --for 5m             as many as fit into the time
  npm run sim -- --from 1             seeds from this one on, instead of fresh ones
  npm run sim -- --seed 7             one history, told as a story
  npm run sim -- --scenario FILE      a history that was written down, told as a story
  npm run sim -- --campaign NAME      one campaign after one kind of trouble: NAME is one of
                                      reorgs, outages, clock-jumps, expire-at-once, idle-years, hostile-data, or all;
                                      --histories and --for bound each, --from N draws another order of its cases

A history that breaks an invariant is made as short as it gets, told, and written to sim-<seed>.json for --scenario.
Exit status: 0 when nothing was broken, 1 otherwise.
`;

const whole = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= 0xffff_ffff ? Number(text) : undefined;

const DEFAULT_HISTORIES = 2000;

/** Reads the arguments, with the campaigns that there are; whatever is not understood is wrong, in one sentence. */
export const readArguments = (argv: readonly string[], campaigns: readonly string[]): Asked => {
  const values = new Map<string, string>();
  for (let index = 0; index < argv.length; index += 2) {
    const [flag = '', value] = [argv[index], argv[index + 1]];
    if (flag === '--help' || flag === '-h') return { kind: 'help' };
    if (!['--seed', '--scenario', '--histories', '--for', '--from', '--campaign'].includes(flag) || value === undefined)
      return { kind: 'wrong', why: `${flag} is not understood; --help tells what is` };
    values.set(flag, value);
  }
  const file = values.get('--scenario');
  if (file !== undefined) return { kind: 'scenario', file };
  for (const flag of ['--seed', '--histories', '--from']) {
    if (values.has(flag) && whole(values.get(flag)) === undefined)
      return { kind: 'wrong', why: `${flag} wants a whole number` };
  }
  const seed = whole(values.get('--seed'));
  if (seed !== undefined) return { kind: 'seed', seed };
  const length = values.get('--for');
  const forMs = length === undefined ? undefined : parseDuration(length);
  if (length !== undefined && forMs === undefined) return { kind: 'wrong', why: '--for wants a duration such as 5m' };
  const campaign = values.get('--campaign');
  if (campaign !== undefined) {
    if (campaign !== 'all' && !campaigns.includes(campaign))
      return { kind: 'wrong', why: `there is no campaign ${campaign}: ${campaigns.join(', ')}, all` };
    const [from, histories] = ['--from', '--histories'].map((flag) => whole(values.get(flag)));
    return { kind: 'campaign', name: campaign, from, histories, forMs };
  }
  const histories = whole(values.get('--histories')) ?? (forMs === undefined ? DEFAULT_HISTORIES : 0xffff_ffff);
  return { kind: 'many', from: whole(values.get('--from')), histories, forMs };
};

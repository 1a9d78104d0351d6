import { writeFileSync } from 'node:fs';
import type { Clock } from '../../ports/clock.ts';
import { CAMPAIGNS } from '../campaigns/all.ts';
import type { Campaign, Case, Measured } from '../campaigns/campaign.ts';
import { INVARIANTS } from '../invariants/all.ts';
import { play } from '../play/play.ts';
import { createRandom } from '../random.ts';

export interface CampaignOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly out: (text: string) => void;
  /** So many of each campaign's cases, drawn from the seed; all of them where it is left out. */
  readonly histories: number | undefined;
  /** No case is begun after this long, for each campaign. */
  readonly forMs: number | undefined;
  readonly seed: number;
}

export const campaignNames = (): readonly string[] => CAMPAIGNS.map(({ name }) => name);

/** All of them, each once, in an order that the seed gives: whatever part is played is a fair sample. */
export const shuffled = <Item>(items: readonly Item[], seed: number): readonly Item[] => {
  const random = createRandom(seed);
  return items
    .map((item) => ({ item, turn: random.next() }))
    .sort((a, b) => a.turn - b.turn)
    .map(({ item }) => item);
};

export interface CaseReport extends Measured {
  readonly violations: readonly { readonly invariant: string; readonly what: string }[];
  readonly figure: string | undefined;
}

/** Plays one case with all that every history is held to, and what it is held to besides. */
export const playCase = async ({ scenario, gauge }: Case, clock: Pick<Clock, 'monotonicMs'>): Promise<CaseReport> => {
  const fromMs = clock.monotonicMs();
  const more = gauge?.();
  const { violations, machineDays } = await play(scenario(), {
    invariants: [...INVARIANTS, ...(more?.invariants ?? [])],
  });
  const heapMiB = Math.round(process.memoryUsage().heapUsed / 1_048_576);
  const measured = { machineDays, tookMs: clock.monotonicMs() - fromMs, heapMiB };
  return { ...measured, violations, figure: more?.figure(measured) };
};

const runOne = async ({ name, about, cases }: Campaign, options: CampaignOptions): Promise<number> => {
  const { clock, out, histories, forMs, seed } = options;
  const fromMs = clock.monotonicMs();
  const all = await cases();
  out(`${name}: ${about}`);
  let [played, broken, days, heapMiB] = [0, 0, 0, 0];
  let lastFigure: string | undefined;
  for (const one of shuffled(all, seed).slice(0, histories)) {
    if (forMs !== undefined && clock.monotonicMs() - fromMs >= forMs) break;
    const report = await playCase(one, clock);
    played += 1;
    days += report.machineDays;
    heapMiB = Math.max(heapMiB, report.heapMiB);
    lastFigure = report.figure;
    if (all.length < 10 && report.figure !== undefined) out(`  ${one.name}: ${report.figure}`);
    const [first] = report.violations;
    if (first === undefined) continue;
    broken += 1;
    const file = `sim-${name}-${broken}.json`;
    writeFileSync(file, `${JSON.stringify(one.scenario(), null, 1)}\n`);
    out(`  ${one.name} breaks ${first.invariant}: ${first.what} (${file})`);
  }
  const seconds = (clock.monotonicMs() - fromMs) / 1000;
  out(
    `${name}: ${played} of ${all.length} cases (seed ${seed}), ${Math.round(days)} machine-days, ${seconds.toFixed(0)} s, ` +
      `at most ${heapMiB} MiB of heap, ${broken} broken${lastFigure === undefined ? '' : `; the last: ${lastFigure}`}`,
  );
  return broken;
};

/** Plays one campaign, or all of them one after the other; 1 where anything was broken. */
export const runCampaigns = async (which: string, options: CampaignOptions): Promise<number> => {
  let broken = 0;
  for (const campaign of CAMPAIGNS) {
    if (which === 'all' || which === campaign.name) broken += await runOne(campaign, options);
  }
  return broken > 0 ? 1 : 0;
};

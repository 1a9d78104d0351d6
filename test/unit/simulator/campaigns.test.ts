import { describe, expect, it } from 'vitest';
import { createSystemClock } from '../../../src/drivers/clock/system-clock.ts';
import { CAMPAIGNS } from '../../../src/simulator/campaigns/all.ts';
import type { Case } from '../../../src/simulator/campaigns/campaign.ts';
import { expireTogether } from '../../../src/simulator/campaigns/expire-at-once.ts';
import { idleFor } from '../../../src/simulator/campaigns/idle-years.ts';
import { campaignNames, playCase, shuffled } from '../../../src/simulator/run/campaigns.ts';
import { scenarioSchema } from '../../../src/simulator/scenario/schema.ts';

/* A taste of each campaign; `npm run sim -- --campaign all` plays them whole. CAMPAIGN_SEED draws others. */

const seed = Number(process.env.CAMPAIGN_SEED ?? 1);
const clock = createSystemClock();

/** Campaigns that are nothing but long are tasted by a short case of the same kind. */
const SHORT: Readonly<Record<string, Case>> = {
  'expire-at-once': expireTogether(30),
  'idle-years': idleFor(seed, 3, 20),
};

describe('campaigns', () => {
  it.each(CAMPAIGNS)('$name: one of its cases harms nobody', { timeout: 240_000 }, async ({ name, cases }) => {
    const [one] = SHORT[name] ? [SHORT[name]] : shuffled(await cases(), seed);
    if (one === undefined) throw new Error(`${name} has no case`);
    const { violations, machineDays } = await playCase(one, clock);
    expect(violations, `${one.name} (CAMPAIGN_SEED=${seed})`).toEqual([]);
    expect(machineDays).toBeGreaterThan(0);
  });

  it('meet every phase and every hand that moves a machine', { timeout: 240_000 }, async () => {
    const jumps = CAMPAIGNS.find(({ name }) => name === 'clock-jumps');
    const names = (await jumps?.cases())?.map(({ name }) => name) ?? [];
    expect(new Set(names).size).toBe(names.length);
    for (const where of [
      ...['in running', 'in off', 'in stopping', 'in suspended', 'in quarantined', 'in gone'],
      ...['during daemon hypervisor.start', 'after daemon quarantine.moveIn', 'during daemon quarantine.moveOut'],
      ...['during engine create hypervisor.define', 'after operator destroy quarantine.purge'],
    ]) {
      expect(names, where).toContainEqual(expect.stringContaining(where));
    }
  });

  it('can be written down and read again, and have names of their own', () => {
    for (const { scenario } of Object.values(SHORT))
      expect(scenarioSchema.parse(JSON.parse(JSON.stringify(scenario())))).toEqual(scenario());
    expect(new Set(campaignNames()).size).toBe(CAMPAIGNS.length);
  });

  it('are drawn in an order of their own by each seed, and none is left out', () => {
    const items = Array.from({ length: 50 }, (_, index) => index);
    expect([...shuffled(items, 1)].sort((a, b) => a - b)).toEqual(items);
    expect(shuffled(items, 1)).toEqual(shuffled(items, 1));
    expect(shuffled(items, 1)).not.toEqual(shuffled(items, 2));
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { DEMO_LIMIT_MS, type DemoRun, runDemo } from './demo-run.ts';

const TITLES = [
  'a subscription runs out: the guest powers itself off, the record says suspended',
  "it is extended on the chain: the guest runs again, the record carries exactly the chain's expiresAt",
  'grace passes: destroyed; a late payment brings the same machine back (C11, D21); a third is purged for good',
  'a cancellation is an expiry (D20); the login right follows a minted NFT, and not a reserved one (D25)',
  'a killed qemu runs again, an owner who powers off finds the machine off (D16)',
  'a guest that ignores every request is suspended by escalation',
  'a daemon killed in the middle of a suspend finishes it, once (L4)',
  'what happened on the chain while the daemon was stopped is found afterwards (C4)',
  'no endpoint across an expiry: no harm, said so, and made up for afterwards (L3)',
  'a reorg takes back an extension and a cancellation: state follows the canonical chain (C5, C6)',
];

describe('the demo', () => {
  let run: DemoRun;

  beforeAll(async () => {
    run = await runDemo();
  }, DEMO_LIMIT_MS);

  it.each(TITLES.map((title, index) => ({ scene: index + 1, title })))('scene $scene: $title', ({ scene }) => {
    const row = run.table.find((one) => one.scene === scene);
    expect(row, run.end).toMatchObject({ ok: true });
    expect(row?.latencyMs).toBeGreaterThan(0);
  });

  it('ends with 0 when all held, and every scene has one row', () => {
    expect(run.exitCode, run.end).toBe(0);
    expect(run.table.map(({ scene }) => scene)).toEqual(TITLES.map((_, index) => index + 1));
  });
});

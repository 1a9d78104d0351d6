import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DEMO_LIMIT_MS, runDemo } from './demo-run.ts';

/** How `--break` sabotages each scene. */
const SABOTAGED = [
  'it is paid before it runs out',
  'it is not extended',
  'nobody pays late',
  'it is not cancelled',
  'an operator holds the machine whose qemu is killed',
  'an operator protects the machine that is due',
  'nobody starts the daemon again',
  'it is not extended meanwhile',
  'the endpoints do not die',
  'there is no reorg',
].map((how, index) => ({ broken: index + 1, how }));
/** Scenes that stand on their own feet: sabotaged, they are over within a minute or two. */
const SHORT = [2, 5, 6];
/** One of those is played, drawn by this number; with FULL=1 all scenes are. */
const BREAK_SEED = Number(process.env.BREAK_SEED ?? randomInt(2 ** 31));
const drawn = SHORT[BREAK_SEED % SHORT.length];
const broken = process.env.FULL ? SABOTAGED : SABOTAGED.filter((one) => one.broken === drawn);

describe('the demo of one scene alone', () => {
  it.each(broken)(
    'ends with 1 when scene $broken is sabotaged: $how',
    async ({ broken: scene }) => {
      const { exitCode, table, end } = await runDemo('--break', String(scene), '--only', String(scene));
      const where = `BREAK_SEED=${BREAK_SEED}\n${end}`;
      expect(exitCode, where).toBe(1);
      // A scene that goes on where another one ended brings that one along, and that one holds.
      expect(
        table.filter(({ ok }) => !ok).map((row) => row.scene),
        where,
      ).toEqual([scene]);
    },
    DEMO_LIMIT_MS,
  );
});

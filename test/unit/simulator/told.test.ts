import { describe, expect, it } from 'vitest';
import { play } from '../../../src/simulator/play/play.ts';
import { generate } from '../../../src/simulator/scenario/generate.ts';
import type { Scenario } from '../../../src/simulator/scenario/schema.ts';
import { openWorldJournal } from '../../../src/simulator/world/daemon.ts';
import { createWorld, type World } from '../../../src/simulator/world/world.ts';

/* What no look from outside sees is told by whoever hears it: that it is, by faults that are put in. */

const quiet = (): void => undefined;

const scenario: Scenario = {
  ...generate(2),
  acts: [],
  host: { ...generate(2).host, machines: 1, paidForSeconds: [7200], lastsMs: 60_000 },
};

/** A world whose disk says that it has synced, and has not. */
const withLyingDisk = (world: World): World => ({
  ...world,
  disk: {
    ...world.disk,
    of: (process) => {
      const disk = world.disk.of(process);
      const lies = { datasync: async () => undefined };
      return {
        ...disk,
        open: async (path, how) => ({ ...(await disk.open(path, how)), ...lies }),
        create: async (path) => ({ ...(await disk.create(path)), ...lies }),
      };
    },
  },
});

const blamed = async (spoil: (world: World) => World): Promise<readonly string[]> => {
  const wrong: string[] = [];
  const hearing = {
    effect: quiet,
    line: quiet,
    wrong: (invariant: string) => void wrong.push(invariant),
    wordy: false,
  };
  const world = spoil(createWorld(scenario, hearing));
  const journal = await openWorldJournal(world, world.spawn('daemon'), world.logOf('daemon'));
  await journal.append([{ kind: 'clock-jumped', byMs: 1 }]);
  return wrong;
};

describe('acknowledged-is-durable', () => {
  it('is told where the journal says yes before its disk has synced (L4)', async () => {
    expect(await blamed(withLyingDisk)).toEqual(['acknowledged-is-durable']);
  });

  it('is not told of a disk that does as it says', async () => {
    expect(await blamed((world) => world)).toEqual([]);
  });
});

describe('no-defects', () => {
  it('is told of a defect that the daemon meets, and of none where there is none', { timeout: 60_000 }, async () => {
    const broken = await play(scenario, {
      invariants: [],
      sees: (state) => {
        for (const memory of Object.values(state?.machines ?? {})) Object.assign(memory, { details: undefined });
      },
    });
    expect(broken.violations.map(({ invariant }) => invariant)).toContain('no-defects');
    expect((await play(scenario, { invariants: [] })).violations).toEqual([]);
  });
});

import { cutBoth, cutOne, killDaemon, killLibvirtd, reorg } from './blows.ts';
import { type Act, buy, cancel, destroy, extend, handOn, killQemu, powerOff } from './people.ts';
import { pause, type SoakStage } from './stage.ts';

type Deal = readonly (readonly [number, readonly [string, Act]])[];

/** What people do in any weather. */
const PEOPLE: Deal = [
  [5, ['buys', buy]],
  [4, ['extensions', extend]],
  [1, ['cancellations', cancel]],
  [1.5, ['transfers', handOn]],
  [0.6, ['power-offs from inside', powerOff]],
  [0.4, ['explicit destroys', destroy]],
  [1.2, ['kills of a qemu', killQemu]],
];

const BLOWS: Deal = [
  [2.5, ['kills of the daemon', killDaemon]],
  [2.5, ['kills of libvirtd', killLibvirtd]],
  [1.5, ['cuts of one endpoint', cutOne]],
  [1.5, ['cuts of both endpoints', cutBoth]],
  [2, ['reorgs', reorg]],
];

/** Reactions are only timed while nothing is wrong: fair weather has to last for longer than they may take. */
const FAIR_MS = 55_000;
const ROUGH_MS = 30_000;
const GAP_MS = [700, 3200] as const;

/** Draws acts at random for so long: some fair weather, some rough, and so on. */
export const live = async (stage: SoakStage, forMs: number): Promise<void> => {
  const beganMs = performance.now();
  const elapsed = (): number => performance.now() - beganMs;
  while (elapsed() < forMs && !stage.signal.aborted) {
    const rough = elapsed() % (FAIR_MS + ROUGH_MS) > FAIR_MS;
    const [what, act] = stage.random.weighted(rough ? [...PEOPLE, ...BLOWS] : PEOPLE);
    const done = await act(stage).catch((error: unknown) => {
      stage.tell(`${what} went wrong: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    });
    if (done !== undefined) {
      stage.count(what);
      stage.tell(done);
    }
    await pause(stage, stage.random.int(...GAP_MS));
  }
};

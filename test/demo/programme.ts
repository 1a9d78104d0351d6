import { execa } from 'execa';
import { until } from '../lab/processes.ts';
import { repositoryPath } from '../lab/repository.ts';
import type { DemoOptions } from './arguments.ts';
import { type Cast, createCast } from './cast.ts';
import { ClaimFailedError, type Claims, createClaims, type SceneResult } from './claims.ts';
import type { Laboratory } from './laboratory.ts';
import { createObserver } from './observer.ts';
import { expiryScene, extensionScene } from './scenes/01-02-expiry.ts';
import { graceScene } from './scenes/03-grace.ts';
import { cancelScene } from './scenes/04-cancel-and-transfer.ts';
import { crashScene } from './scenes/05-crash-and-poweroff.ts';
import { deafScene } from './scenes/06-deaf.ts';
import { killedDaemonScene } from './scenes/07-killed-daemon.ts';
import { stoppedDaemonScene } from './scenes/08-stopped-daemon.ts';
import { outageScene } from './scenes/09-outage.ts';
import { reorgScene } from './scenes/10-reorg.ts';
import type { Machine, Scene, Stage } from './stage.ts';
import type { Story } from './story.ts';

const SCENES: readonly Scene[] = [
  ...[expiryScene, extensionScene, graceScene, cancelScene, crashScene],
  ...[deafScene, killedDaemonScene, stoppedDaemonScene, outageScene, reorgScene],
];
const PHASES = ['A', 'B', 'C', 'D'] as const;

/** The scenes that were asked for; a scene that goes on where another one ended brings that one along. */
export const chooseScenes = (only: DemoOptions['only']): readonly Scene[] =>
  SCENES.filter(
    ({ number }) =>
      only === undefined ||
      only.has(number) ||
      SCENES.some((one) => one.after === number && only.has(one.number) && one.cast.length === 0),
  );

/** What the programme has come to; results fill up as scenes end, so that also an interrupted run has its table. */
export interface Programme {
  play(): Promise<void>;
  results(): SceneResult[];
  pending(): string[];
}

interface Deps {
  readonly lab: Laboratory;
  readonly story: Story;
  readonly scenes: readonly Scene[];
  readonly sabotage: number | undefined;
}

const quietly = { reject: false, timeout: 20_000 } as const;

const createStage = ({ lab, story }: Deps, cast: Cast): Stage => {
  const { chain, host } = lab;
  const [, customer = '', friend = ''] = chain.accounts;
  return {
    ...lab,
    story,
    people: { customer, friend },
    observer: createObserver(lab.libvirt, host),
    machine: cast.machine,
    extend: async (machine: Machine, seconds: number) => {
      const mined = await chain.extend(machine.id, seconds);
      const until = story.clock(Number(mined.expiresAtUnix) * 1000);
      story.chain(mined.blockNumber, `subscription ${machine.id} (${machine.name}) extended until ${until}`);
      return mined;
    },
    cancel: async (machine: Machine) => {
      const mined = await chain.cancel(machine.id);
      story.chain(mined.blockNumber, `subscription ${machine.id} (${machine.name}) cancelled`);
      return mined;
    },
    operator: async (...argv) => {
      story.act(`blockhost-provisioner ${argv.join(' ')}`);
      const program = repositoryPath('dist/bin/blockhost-provisioner.mjs');
      const spoken = async (): Promise<boolean> => {
        const { exitCode } = await execa(process.execPath, [program, ...argv], { ...quietly, env: host.env });
        return exitCode === 0;
      };
      // A machine is known to the operator's command once the daemon has seen it.
      await until(`the operator's word is accepted: ${argv.join(' ')}`, spoken, { timeoutMs: 8000, everyMs: 200 });
    },
  };
};

const troubleOf = (error: unknown): string | undefined =>
  error instanceof ClaimFailedError ? undefined : error instanceof Error ? error.message : String(error);

export const createProgramme = (deps: Deps): Programme => {
  const { lab, story, scenes, sabotage } = deps;
  const [, customer = ''] = lab.chain.accounts;
  const order = PHASES.flatMap((phase) => scenes.filter((scene) => scene.phase === phase).flatMap(({ cast }) => cast));
  const cast = createCast({ ...lab, story, customer }, order);
  const stage = createStage(deps, cast);
  const claims = new Map<number, Claims>(scenes.map(({ number }) => [number, createClaims(number)]));
  const over = new Map<number, SceneResult>();

  const claimsOf = (scene: Scene): Claims => claims.get(scene.number) ?? createClaims(scene.number);

  const playScene = async (scene: Scene): Promise<void> => {
    const own = claimsOf(scene);
    let trouble: string | undefined;
    try {
      await scene.play({ ...stage, claims: own, sabotaged: sabotage === scene.number });
    } catch (error) {
      trouble = troubleOf(error);
    }
    const result = own.result(trouble);
    over.set(scene.number, result);
    story.act(`scene ${scene.number} (${scene.title}) ${result.ok ? 'held' : `DID NOT HOLD: ${result.observed}`}`);
  };

  /** `whenQuiet` is called when none but the waiting scenes still play. */
  const playPhase = async (phase: readonly Scene[], whenQuiet?: () => void): Promise<void> => {
    story.heading(`Scenes ${phase.map(({ number, title }) => `${number}: ${title}`).join(' · ')}`);
    await lab.daemon.start(); // where a scene went wrong, the next ones shall have a daemon all the same
    await cast.sell(phase.flatMap((scene) => scene.cast));
    lab.daemon.nudge(); // as a command that makes machines would
    const playing = new Map<number, Promise<void>>();
    for (const scene of phase) {
      const before = scene.after === undefined ? undefined : playing.get(scene.after);
      playing.set(
        scene.number,
        (before ?? Promise.resolve()).then(() => playScene(scene)),
      );
    }
    await Promise.all(phase.flatMap((scene) => (scene.waits === true ? [] : [playing.get(scene.number)])));
    whenQuiet?.();
    await Promise.all(playing.values());
  };

  return {
    play: async () => {
      const phases = PHASES.map((phase) => scenes.filter((scene) => scene.phase === phase)).filter(
        ({ length }) => length > 0,
      );
      const [first = [], ...rest] = phases;
      story.act('booting the guests of the first scenes');
      await cast.boot(first.flatMap((scene) => scene.cast));
      lab.daemon.onLine(story.daemon);
      story.follow(lab.libvirt);
      story.act('starting the daemon');
      await lab.daemon.start();
      let booted: Promise<void> | undefined;
      const bootOthers = (): Promise<void> => cast.boot(rest.flat().flatMap((scene) => scene.cast));
      await playPhase(first, () => {
        booted = bootOthers();
        booted.catch(() => undefined); // awaited below
      });
      await booted;
      for (const phase of rest) await playPhase(phase);
    },
    results: () =>
      scenes.map((scene) => over.get(scene.number) ?? claimsOf(scene).result('it did not come to its end')),
    pending: () =>
      scenes.flatMap(({ number }) => {
        const what = claims.get(number)?.pending();
        return what === undefined || over.has(number) ? [] : [`scene ${number}: ${what}`];
      }),
  };
};

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { descendants, isAlive, signal, until } from '../../lab/processes.ts';
import { type Act, open } from './people.ts';
import { DEEPEST_REORG, FASTER } from './settings.ts';
import { pause, type SoakStage } from './stage.ts';

const SECOND_MS = 1000;
const felt = (seconds: number): number => seconds * SECOND_MS * FASTER;

/** How long after it is back everything may still be slow. */
const DAEMON_FELT_S = 8;
const LIBVIRT_FELT_S = 8;
const REORG_FELT_S = 5;
const DAEMON_LIMIT_MS = 90_000;

/** Starts the daemon as its manager would: again and again. */
export const startDaemon = async (stage: SoakStage): Promise<void> => {
  const untilMs = Date.now() + DAEMON_LIMIT_MS;
  for (;;) {
    try {
      await stage.host.daemon.start();
      return;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      stage.tell(`the daemon does not start: ${why}`);
      await stage.host.daemon.kill9();
      if (stage.signal.aborted) return;
      if (Date.now() > untilMs) {
        stage.observer.report({ invariant: 'no-defects', what: `the daemon does not start: ${why}` });
        return;
      }
      await pause(stage, 2000);
    }
  }
};

export const killDaemon: Act = async (stage) => {
  if (!stage.weather.free('daemon')) return undefined;
  const end = stage.weather.begin('daemon');
  const forMs = stage.random.int(0, 8000);
  await stage.host.daemon.kill9();
  const back = async (): Promise<void> => {
    await pause(stage, forMs);
    if (!stage.signal.aborted) await startDaemon(stage);
    end(felt(DAEMON_FELT_S));
    stage.tell('the daemon is started again');
  };
  stage.background('the daemon comes back', back());
  return `kill -9 of the daemon, for ${(forMs / 1000).toFixed(1)} s`;
};

export const killLibvirtd: Act = async (stage) => {
  const { libvirt } = stage.host;
  if (!stage.weather.free('libvirt')) return undefined;
  const end = stage.weather.begin('libvirt');
  const forMs = stage.random.int(0, 8000);
  const mark = join(libvirt.dir, 'control/down');
  await writeFile(mark, '');
  const pids = descendants(libvirt.pid).flatMap(({ command, pid }) => (command === 'libvirtd' ? [pid] : []));
  for (const pid of pids) signal(pid, 'SIGKILL');
  await until('libvirtd is gone', () => !pids.some(isAlive));
  const back = async (): Promise<void> => {
    await pause(stage, forMs);
    await rm(mark, { force: true });
    await libvirt.up();
    end(felt(LIBVIRT_FELT_S));
    stage.tell('libvirtd is back');
  };
  stage.background('libvirtd comes back', back());
  return `kill -9 of libvirtd, for ${(forMs / 1000).toFixed(1)} s`;
};

const HOW = ['down', 'hang', 'status', 'garbage'] as const;

/** Cuts so many endpoints; what fails more and more often is asked less and less often afterwards, for as long again. */
const cut =
  (count: 1 | 2): Act =>
  async (stage) => {
    if (!stage.weather.free('endpoint')) return undefined;
    const { random, host } = stage;
    const forMs = random.int(4000, 24_000);
    const how = random.pick(HOW);
    const first = random.int(0, 1);
    const chosen = host.endpoints.filter((_, index) => count === 2 || index === first);
    const ends = chosen.map(() => stage.weather.begin('endpoint'));
    for (const endpoint of chosen) await (how === 'status' ? endpoint.status(503) : endpoint[how]());
    const back = async (): Promise<void> => {
      await pause(stage, forMs);
      for (const endpoint of chosen) await endpoint.up();
      for (const end of ends) end(felt(forMs / SECOND_MS + 5));
      stage.tell(`${count === 2 ? 'both endpoints are' : 'the endpoint is'} back`);
    };
    stage.background('endpoints come back', back());
    return `${count === 2 ? 'both endpoints' : 'one endpoint'}: ${how}, for ${(forMs / 1000).toFixed(1)} s`;
  };
export const cutOne = cut(1);
export const cutBoth = cut(2);

/** A create mints by itself: a branch that may hold that is left alone. */
const MINT_MS = 12_000;

/** Replaces the last blocks: sales stay, half of all else is lost. */
export const reorg: Act = async (stage) => {
  const { host, random } = stage;
  const minting = open(stage).some(({ creating }) => creating) || performance.now() - stage.lastCreateMs < MINT_MS;
  if (minting) return undefined;
  const depth = random.int(1, DEEPEST_REORG);
  const firstBlock = (await host.chain.head()).number - depth + 1;
  const inBranch = stage.sent.filter(({ blockNumber }) => blockNumber >= firstBlock);
  const stays = inBranch.filter(({ kept }) => kept || random.chance(0.5));
  const end = stage.weather.begin('passing');
  try {
    await host.chain.reorg(
      depth,
      stays.map(({ transaction, blockNumber }) => ({ transaction, block: blockNumber - firstBlock })),
    );
    for (const one of inBranch.filter((each) => !stays.includes(each))) {
      one.lost();
      stage.sent.splice(stage.sent.indexOf(one), 1);
    }
  } finally {
    end(felt(REORG_FELT_S));
  }
  return `the last ${depth} blocks are replaced; ${inBranch.length - stays.length} of ${inBranch.length} transactions are lost`;
};

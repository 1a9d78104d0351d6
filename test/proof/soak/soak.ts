import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isOn, isPaid, type Sight } from '../../../src/simulator/invariants/sight.ts';
import { createRandom } from '../../../src/simulator/random.ts';
import type { Cleaner } from '../../demo/laboratory.ts';
import { openRealHost, type RealHost } from '../../integration/real-host.ts';
import { namespacesAllowed } from '../../lab/libvirtd-process.ts';
import { repositoryPath } from '../../lab/repository.ts';
import type { Occasion, Row } from '../row.ts';
import { startDaemon } from './blows.ts';
import { createObserver } from './observer.ts';
import { buyFor } from './people.ts';
import { live } from './rhythm.ts';
import { sabotage } from './sabotage.ts';
import { CHAIN, FASTER, PROVISIONER_YAML } from './settings.ts';
import { settle } from './settle.ts';
import type { Sold } from './sold.ts';
import { pause, type SoakStage } from './stage.ts';
import { createWeather } from './weather.ts';

export interface SoakOptions extends Occasion {
  readonly forMs: number;
  readonly sabotaged: boolean;
  readonly cleaner: Cleaner;
}

const LOOK_EVERY_MS = 1000;
/** Looks that lie further apart than this mean a host that is too busy to call anybody slow. */
const BUSY_MS = 4000;
const BUSY_FELT_MS = 10_000;
/** What was sabotaged never comes to rest: a few looks must be enough to see it. */
const SEEN_WITHIN_MS = 8000;
/** Fewer machines, or more looks that came late, show too little to be called shown. */
const FEW_MADE = 3;
const OFTEN_LATE = 0.1;
const FIRST_PAID_S = 90;
const WANTED = '0 violations, all comes to rest';

/** Nothing of it is left, and it has come to an end. */
const closeWhatIsOver = (sold: ReadonlyMap<string, Sold>, sight: Sight): void => {
  for (const seen of sight.machines) {
    const machine = sold.get(seen.name);
    const gone = seen.domain === undefined && seen.files === 0 && !sight.dossiers.has(seen.uuid);
    if (machine && gone && !seen.isNew && (seen.record === undefined || seen.record.status === 'destroyed'))
      machine.closed = true;
    // An owner's own stop is over with the time that was paid for (ARCHITECTURE.md, decision 6).
    if (machine?.ownerStopped && seen.record?.status === 'suspended' && !isPaid(seen, sight.trueUnix))
      machine.ownerStopped = false;
  }
};

/** Keeps what tells of a violation: nothing else is left of the soak. */
const keepEvidence = async (host: RealHost, seed: number, story: readonly string[]): Promise<string> => {
  const directory = repositoryPath(`dist/soak-${seed}`);
  await mkdir(directory, { recursive: true });
  const files = [join(host.directory, 'daemon.log'), host.libvirt.eventsFile, host.at('var/lib/blockhost/vms.json')];
  for (const file of [...files, host.at('var/lib/blockhost/provisioner/journal.ndjson')])
    await cp(file, join(directory, file.split('/').at(-1) ?? '')).catch(() => undefined);
  await writeFile(join(directory, 'story.txt'), `${story.join('\n')}\n`);
  return directory;
};

/** Real parts, short times, chance, and an observer apart. */
export const soak = async (options: SoakOptions): Promise<Row> => {
  const { seed, progress, signal, forMs, sabotaged, cleaner } = options;
  if (!namespacesAllowed()) {
    const figure = 'cannot be tried here: it needs root and namespaces';
    return { what: 'soak', figure, wanted: WANTED, verdict: 'short', notes: [] };
  }
  progress('soak: starting chain and libvirtd');
  const host = await openRealHost({ cleaner, chain: CHAIN, built: true });
  await host.configure(PROVISIONER_YAML);
  const originMs = performance.now();
  const nowMs = (): number => (performance.now() - originMs) * FASTER;
  const story: string[] = [];
  const tell = (line: string): void => {
    const text = `${((performance.now() - originMs) / 1000).toFixed(1).padStart(7)} s  ${line}`;
    story.push(text);
    progress(text);
  };
  const weather = createWeather(nowMs);
  const sold = new Map<string, Sold>();
  const running = new Map<string, boolean>();
  const counts = new Map<string, number>();
  const works = new Set<Promise<void>>();
  const observer = createObserver({ host, sold, weather, nowMs, originUnix: Math.floor(Date.now() / 1000) });
  const stage: SoakStage = {
    ...{ host, weather, observer, sold, counts, running, signal, tell },
    random: createRandom(seed),
    sent: [],
    lastCreateMs: Number.NEGATIVE_INFINITY,
    createTakesMs: 0,
    ending: false,
    count: (what) => void counts.set(what, (counts.get(what) ?? 0) + 1),
    background: (what, work) => {
      const watched = work
        .catch((error: unknown) => tell(`${what} went wrong: ${error instanceof Error ? error.message : error}`))
        .finally(() => works.delete(watched));
      works.add(watched);
    },
  };

  let last: Sight | undefined;
  let [told, late] = [0, 0];
  let lookedMs = performance.now();
  let turn: Promise<void> = Promise.resolve();
  const lookNow = async (atRest: boolean): Promise<void> => {
    const sight = await observer.look(atRest);
    for (const { invariant, what } of observer.violations.slice(told)) tell(`BROKEN ${invariant}: ${what}`);
    told = observer.violations.length;
    if (performance.now() - lookedMs > BUSY_MS) {
      late += 1;
      weather.begin('passing')(BUSY_FELT_MS * FASTER);
    }
    lookedMs = performance.now();
    if (sight === undefined) return;
    last = sight;
    running.clear();
    for (const domain of sight.domains) running.set(domain.name, isOn(domain));
    closeWhatIsOver(sold, sight);
  };
  /** Looks never overlap: what was done since the last one is told once. */
  const look = (atRest: boolean): Promise<void> => {
    turn = turn.then(() => lookNow(atRest));
    return turn;
  };
  let over = false;
  const observing = (async () => {
    while (!over && !signal.aborted) {
      await look(false).catch((error: unknown) => tell(`a look went wrong: ${error}`));
      if (host.daemon.pid === undefined && weather.free('daemon')) {
        const why = host.daemon.log().at(-1)?.msg ?? '';
        observer.report({ invariant: 'no-defects', what: `the daemon ended by itself: ${why}` });
        const end = weather.begin('daemon');
        await startDaemon(stage);
        end(BUSY_FELT_MS * FASTER);
      }
      await pause(stage, Math.max(100, LOOK_EVERY_MS - (performance.now() - lookedMs)));
    }
  })();

  const starting = weather.begin('daemon');
  await host.daemon.start(); // one that never starts is no finding of a soak's
  starting(BUSY_FELT_MS * FASTER);
  if (sabotaged) stage.background('the sabotage', sabotage(stage));
  const idle = async (): Promise<void> => {
    while (works.size > 0 && !signal.aborted) await Promise.race([...works, pause(stage, 1000)]);
  };
  if (!sabotaged) {
    // The first create finds out what this host can do, and takes its time for it.
    tell(await buyFor(stage, FIRST_PAID_S));
    await idle();
  }
  await live(stage, forMs);
  tell('nobody does anything any more');
  stage.ending = true;
  await idle();
  if (sabotaged) await pause(stage, SEEN_WITHIN_MS);
  else if (!signal.aborted) await settle(stage, () => last, look);
  over = true;
  await observing;

  const { violations } = observer;
  const { looks, blind } = observer.count();
  const seconds = Math.round((performance.now() - originMs) / 1000);
  const made = counts.get('machines made') ?? 0;
  const ended = [...sold.values()].filter(({ closed, name }) => closed && observer.uuidOf(name) !== undefined).length;
  const kinds = [...counts].map(([what, count]) => `${what} ${count}`);
  const kills = [...counts].reduce((sum, [what, count]) => (what.startsWith('kills') ? sum + count : sum), 0);
  const notes = [
    `seed ${seed}; ${kinds.sort().join(', ')}`,
    `${looks} looks, ${blind} of them without an answer of libvirt's, ${late} late because the host was busy`,
    ...violations.map(({ invariant, what, atMs }) => `BROKEN ${invariant} at ${Math.round(atMs / 1000)} s: ${what}`),
  ];
  if (violations.length > 0) notes.push(`logs and story: ${await keepEvidence(host, seed, story)}`);
  return {
    what: 'soak',
    figure: `${seconds} s, ${kills} kills, ${made} machines made, ${ended} ended, ${violations.length} violations`,
    wanted: WANTED,
    verdict:
      violations.length > 0 || signal.aborted
        ? 'BROKEN'
        : made < FEW_MADE || late > looks * OFTEN_LATE
          ? 'short'
          : 'ok',
    notes,
  };
};

import { execa } from 'execa';
import { repositoryPath } from '../lab/repository.ts';
import type { Occasion, Row } from './row.ts';

const SUMMARY = /^(\d+) histories, (\d+) machine-days, (\d+) s, (\d+) broken$/;
const CELLS = /^cells: (\d+), of them zero: (\d+)$/;
const BREAKS = /^seed \d+ breaks /;

/** What the simulator's last lines said. */
export interface Simulated {
  readonly histories: number;
  readonly machineDays: number;
  readonly broken: number;
  readonly cells: number;
  readonly zeroCells: number;
}

/** Reads what `npm run sim` printed; undefined where it did not come to its end. */
export const readSimulated = (lines: readonly string[]): Simulated | undefined => {
  const find = (shape: RegExp): readonly number[] | undefined =>
    lines
      .map((line) => shape.exec(line))
      .find((match) => match !== null)
      ?.slice(1)
      .map(Number);
  const [summary, table] = [find(SUMMARY), find(CELLS)];
  if (summary === undefined || table === undefined) return undefined;
  const [histories = 0, machineDays = 0, , broken = 0] = summary;
  const [cells = 0, zeroCells = 0] = table;
  return { histories, machineDays, broken, cells, zeroCells };
};

/** At least half of all meetings of a fault with a state were tried. */
const COVERED = 0.5;

export const rowsOfSimulated = (told: Simulated | undefined, breaks: readonly string[]): readonly Row[] => {
  const wanted = { histories: '0 violations', coverage: `${COVERED * 100} % of the cells` };
  if (told === undefined) {
    const nothing = { figure: 'the simulator did not come to its end', verdict: 'BROKEN', notes: breaks } as const;
    return [{ what: 'histories', wanted: wanted.histories, ...nothing }];
  }
  const { histories, machineDays, broken, cells, zeroCells } = told;
  return [
    {
      what: 'histories',
      figure: `${histories} histories, ${machineDays} machine-days, ${broken} violations`,
      wanted: wanted.histories,
      verdict: broken > 0 ? 'BROKEN' : histories > 0 ? 'ok' : 'short',
      notes: [...breaks, ...(breaks.length > 0 ? ['npm run sim -- --seed N tells one of them'] : [])],
    },
    {
      what: 'coverage',
      figure: `${cells - zeroCells} of ${cells} cells of fault x state`,
      wanted: wanted.coverage,
      verdict: cells - zeroCells >= COVERED * cells ? 'ok' : 'short',
      notes: [],
    },
  ];
};

/** Plays histories for a while with `dist/sim.mjs`, as a process of its own. */
export const playHistories = async ({ seed, progress, signal }: Occasion, forText: string): Promise<readonly Row[]> => {
  const argv = [repositoryPath('dist/sim.mjs'), '--from', String(seed), '--for', forText];
  const child = execa(process.execPath, argv, { reject: false, stdin: 'ignore', cancelSignal: signal });
  const [lines, breaks]: [string[], string[]] = [[], []];
  const listen = async (): Promise<void> => {
    for await (const line of child.iterable({ from: 'stderr' })) {
      progress(String(line));
      if (BREAKS.test(String(line))) breaks.push(String(line));
    }
  };
  const heard = listen().catch(() => undefined);
  for await (const line of child.iterable()) {
    lines.push(String(line));
    // What comes after it is a history made shorter, which takes minutes.
    if (SUMMARY.test(String(line))) child.kill();
  }
  await heard;
  return rowsOfSimulated(readSimulated(lines), breaks);
};

import type { JournalState, MachineMemory } from '../../domain/journal/memory.ts';
import type { Act } from '../scenario/schema.ts';
import type { Effect } from '../world/process.ts';
import type { Stage } from './stage.ts';

/** What a machine is in the middle of, by the journal: where a fault may meet it. */
export const phaseOf = (memory: MachineMemory | undefined, on: boolean | undefined): string => {
  if (memory === undefined) return 'stranger';
  if (memory.phase !== 'present') return memory.phase;
  if (memory.suspending) return 'stopping';
  if (memory.suspendedAtUnixMs !== undefined) return 'suspended';
  if (memory.newOwnerSinceUnixMs !== undefined || memory.linkDownSinceUnixMs !== undefined) return 'new owner';
  return on === false ? 'off' : 'running';
};

/** Counts which faults met machines in which states, and what was done. */
export const createCoverage = () => {
  const counts = new Map<string, number>();
  const count = (key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
  const present = new Set<string>();
  return {
    counts,
    effect: ({ what, by }: Effect): void => {
      if (!what.startsWith('disk.')) count(`did\t${by.split(' ')[0]}\t${what}`);
    },
    act: (act: Act, state: JournalState | undefined): void => {
      const fault =
        act.do === 'node'
          ? `node ${act.is}`
          : act.do === 'operator' || act.do === 'word'
            ? `${act.do} ${act.says}`
            : act.do;
      const phases = new Set(Object.values(state?.machines ?? {}).map((memory) => phaseOf(memory, memory.run?.on)));
      if (state === undefined) phases.add('no daemon');
      for (const phase of phases) count(`met\t${fault}\t${phase}`);
    },
    states: (state: JournalState | undefined, _stage: Stage): void => {
      present.clear();
      for (const memory of Object.values(state?.machines ?? {})) present.add(phaseOf(memory, memory.run?.on));
      for (const phase of present) count(`seen\t${phase}`);
    },
  };
};

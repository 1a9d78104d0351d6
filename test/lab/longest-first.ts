import { fileURLToPath } from 'node:url';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files of real parts that take a minute and more, longest first, by their places below `test`: a clone that has never run
 * the tests does not know, and one of these that starts last is waited for with half of the machine idle.
 */
export const LONG = [
  ...['create-debian', 'sandboxed-walk', 'create-beside-daemon', 'engines', 'create-killed-real', 'commands-power'],
  ...[
    'bad-input-chain',
    'bad-input-host',
    'commands-create',
    '../contract/commands/machine',
    'package',
    'bad-input-files',
    'polkit',
    '../demo/sabotage',
  ],
  ...['commands-fuzz', 'node-versions', 'builder', 'lab', 'commands-at-once', 'mint', 'build-template'],
  '../contract/commands/away',
].map((name) => fileURLToPath(new URL(`../integration/${name}.test.ts`, import.meta.url)));

const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = LONG.indexOf(moduleId);
  return rank === -1 ? LONG.length : rank;
};

/** Vitest's own order, and within each project the long files first. A class, for vitest wants one. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    return projects.flatMap((one) =>
      sorted.filter(({ project }) => project === one).sort((a, b) => rankOf(a) - rankOf(b)),
    );
  }
}

import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files of real parts that take a minute and more, longest first: a clone that has never run the tests does not know, and
 * one of these that starts last is waited for with half of the machine idle.
 */
const LONG = [
  ...['create-debian', 'sandboxed-walk', 'engines', 'create-beside-daemon', 'commands-power', 'create-killed-real'],
  ...['commands-create', 'machine', 'polkit', 'package', 'commands-at-once', 'virsh', 'builder', 'commands-fuzz'],
  ...['node-versions', 'away', 'records-python', 'bad-input-files', 'lab', 'first-boot', 'wizard-page', 'mint'],
];

const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = LONG.indexOf(basename(moduleId, '.test.ts'));
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

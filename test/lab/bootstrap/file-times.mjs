// A reporter for vitest that writes down how long each file took, hooks and loading included: the JSON reporter counts from
// the first test to the last, and a file whose work is in `beforeAll` would seem to take no time.

import { writeFileSync } from 'node:fs';

// biome-ignore lint/style/noDefaultExport: vitest takes a reporter's default export, and calls it with `new`
export default function createFileTimes() {
  const files = [];
  return {
    onTestModuleEnd(module) {
      const { collectDuration, duration } = module.diagnostic();
      files.push({ name: module.moduleId, ms: collectDuration + duration });
    },
    onTestRunEnd() {
      const path = process.env.BLOCKHOST_FILE_TIMES;
      if (path !== undefined) writeFileSync(path, JSON.stringify(files));
    },
  };
}

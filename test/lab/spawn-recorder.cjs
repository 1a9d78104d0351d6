// Loaded into a program by `node --require`: appends every program that it starts to the file that SPAWNED names, one per
// line. A shell that is called by its absolute path would pass by any trap in PATH.
const { appendFileSync } = require('node:fs');
const { ChildProcess } = require('node:child_process');

const note = (file) => appendFileSync(process.env.SPAWNED, `${String(file)}\n`);

const { spawn } = ChildProcess.prototype;
ChildProcess.prototype.spawn = function (options) {
  note(options.file);
  return spawn.call(this, options);
};
const sync = process.binding('spawn_sync');
const spawnSync = sync.spawn;
sync.spawn = (options) => {
  note(options.file);
  return spawnSync.call(sync, options);
};

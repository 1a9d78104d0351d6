// Bundles what ships: every cli/blockhost-*.ts becomes an executable in dist/bin that runs from Node 18.19 without
// node_modules; what several share lies once in dist/lib. For development only, dist/demo.mjs, dist/sim.mjs, dist/plants.mjs
// and dist/proof.mjs are made.
// Not minified: stack traces and packages stay readable, and start-up gains nothing by it.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const SHEBANG = '#!/usr/bin/env node\n';

/** What every output has in common. Bundled CommonJS calls `require`, which an ES module does not have by itself. */
const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  target: 'node18',
  platform: 'node',
  outdir: dist,
  outExtension: { '.js': '.mjs' },
  legalComments: 'linked',
  logLevel: 'warning',
};
const banner = {
  js: "import { createRequire as createRequireOfBundle } from 'node:module';\nconst require = createRequireOfBundle(import.meta.url);",
};

async function bundlePrograms() {
  const folder = join(root, 'cli');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^blockhost-.*\.ts$/.test(name)) : [];
  const { metafile } = await build({
    ...common,
    banner,
    entryPoints: names.map((name) => ({ in: join(folder, name), out: `bin/${basename(name, '.ts')}` })),
    splitting: true,
    chunkNames: 'lib/[name]-[hash]',
    metafile: true,
  });
  return metafile;
}

/** Programs for development run from the repository, so that they may use its packages as they are installed. */
const developed = {
  demo: 'test/demo/main.ts',
  sim: 'src/simulator/run/main.ts',
  plants: 'test/proof/plants-main.ts',
  proof: 'test/proof/main.ts',
};

async function bundleDeveloped() {
  const there = Object.entries(developed).filter(([, entry]) => existsSync(join(root, entry)));
  if (there.length === 0) return { inputs: {}, outputs: {} };
  const { metafile } = await build({
    ...common,
    entryPoints: there.map(([name, entry]) => ({ in: join(root, entry), out: name })),
    packages: 'external',
    metafile: true,
  });
  return metafile;
}

/** Man pages and completion, from the programs' own declarations. */
async function describePrograms() {
  const entry = join(root, 'cli/describe/main.ts');
  if (!existsSync(entry)) return;
  const outdir = join(dist, 'describe');
  // Split, so that what a program would run is never loaded here.
  await build({ ...common, banner, outdir, splitting: true, entryPoints: [entry] });
  for (const folder of ['man', 'completion']) rmSync(join(dist, folder), { recursive: true, force: true });
  execFileSync(process.execPath, [join(outdir, 'main.mjs'), dist]);
  rmSync(outdir, { recursive: true });
}

/** What is imported on demand is an entry point to esbuild, too; programs are those in dist/bin. */
const programsIn = (outputs) => Object.keys(outputs).filter((file) => /^dist\/bin\/[^/]+\.mjs$/.test(file));

function makeExecutable(outputs) {
  for (const file of programsIn(outputs)) {
    const path = join(root, file);
    const text = readFileSync(path, 'utf8');
    if (!text.startsWith('#!')) writeFileSync(path, SHEBANG + text);
    chmodSync(path, 0o755);
  }
}

/** Chunks carry a hash in their names: those of earlier builds would pile up. */
function removeStale(outputs) {
  const current = new Set(outputs.map((file) => join(root, file)));
  for (const folder of ['bin', 'lib'].map((name) => join(dist, name)).filter((path) => existsSync(path))) {
    for (const name of readdirSync(folder)) {
      if (!current.has(join(folder, name))) rmSync(join(folder, name));
    }
  }
}

async function main() {
  const startedAt = performance.now();
  mkdirSync(dist, { recursive: true });
  const programs = await bundlePrograms();
  await describePrograms();
  const demo = await bundleDeveloped();
  makeExecutable(programs.outputs);
  removeStale(Object.keys(programs.outputs));
  writeFileSync(join(dist, 'meta.json'), JSON.stringify(programs));

  const kib = Math.round(Object.values(programs.outputs).reduce((sum, { bytes }) => sum + bytes, 0) / 1024);
  const count = programsIn(programs.outputs).length;
  const also = Object.keys(demo.outputs).length > 0 ? ' and those for development' : '';
  console.log(`${count} programs (${kib} KiB)${also} in dist, ${Math.round(performance.now() - startedAt)} ms`);
}

/** A run of the tests has built all of this before its first test, and its files run side by side: see test/lab/built.ts. */
const isBuilt = () => process.env.BLOCKHOST_BUILT === dist && existsSync(join(dist, 'bin'));

try {
  if (isBuilt()) console.log('the programs in dist are those of this run of the tests');
  else await main();
} catch (error) {
  // esbuild has printed what is wrong with the sources by itself; anything else is a defect here.
  if (!Array.isArray(error?.errors)) console.error(error);
  process.exitCode = 1;
}

// What `npm run demo|test|check|mutants|plants|proof|sim` start. Plain Node without dependencies: it runs before there are any.
// Usage: node test/lab/bootstrap.mjs <demo|test|check|mutants|plants|proof|sim|modules|packages> [--yes] [arguments for the verb]

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideNodeModules } from './bootstrap/node-modules.mjs';
import { installPackages, provideAsRoot } from './bootstrap/packages.mjs';
import { runInTurn, say } from './bootstrap/run.mjs';
import { runVitest } from './bootstrap/vitest.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);

/** Debian packages that each verb needs, beyond what `apt` itself, Node and git brought. */
const lab = [
  'libvirt-daemon-system',
  'libvirt-clients',
  'qemu-system-x86',
  'qemu-utils',
  'cloud-image-utils',
  'iproute2',
  'iptables',
  'dnsmasq-base',
  'tini',
  'e2fsprogs',
];
const tests = [
  ...lab,
  ...['python3', 'python3-flask', 'python3-pytest', 'python3-yaml'],
  ...['chromium', 'debhelper', 'genisoimage', 'lintian', 'mmdebstrap', 'shellcheck', 'shfmt', 'systemd'],
  ...['dbus', 'polkitd'],
];
const packages = { demo: lab, proof: [...lab, 'python3'], test: tests, packages: tests };

const build = [process.execPath, 'debian/bundle.mjs'];

/** Each verb is a list of commands run in turn; the first failure ends it with its exit code. */
const commands = {
  check: () => [
    [bin('tsc'), '-p', '.'],
    [bin('biome'), 'ci', '.'],
    [bin('depcruise'), ...['src', 'streams', 'cli'].filter((folder) => existsSync(join(root, folder)))],
    [bin('knip')],
  ],
  demo: (args) => [build, [process.execPath, 'dist/demo.mjs', ...args]],
  sim: (args) => [build, [process.execPath, 'dist/sim.mjs', ...args]],
  plants: (args) => [build, [process.execPath, 'dist/plants.mjs', ...args]],
  proof: (args) => [build, [process.execPath, 'dist/proof.mjs', ...args]],
  mutants: (args) => [[bin('stryker'), 'run', ...args]],
};

async function main([verb, ...rest]) {
  const args = rest.filter((arg) => arg !== '--yes');
  const yes = args.length < rest.length;
  if (!['demo', 'test', 'check', 'mutants', 'plants', 'proof', 'sim', 'modules', 'packages'].includes(verb)) {
    say(
      'usage: node test/lab/bootstrap.mjs <demo|test|check|mutants|plants|proof|sim|modules|packages> [--yes] [arguments]',
    );
    return 1;
  }
  const major = Number(process.versions.node.split('.')[0]);
  // `modules` is all that a build of the package needs, and a build host has the Node of Debian 12.
  if (major < 20 && verb !== 'modules') {
    say(
      `This is Node ${process.versions.node}; developing and the demo need Node 20 or newer (what ships runs from 18.19).`,
    );
    return 1;
  }
  process.chdir(root);
  if (verb === 'packages') return installPackages(packages.packages);
  const wanted = packages[verb];
  if (wanted !== undefined && !(await provideAsRoot({ wanted, yes, entry: fileURLToPath(import.meta.url) }))) return 1;
  if (!(await provideNodeModules(root))) return 1;
  if (verb === 'modules') return 0;
  return verb === 'test' ? runVitest(bin('vitest'), args) : runInTurn(commands[verb](args));
}

process.exitCode = await main(process.argv.slice(2));

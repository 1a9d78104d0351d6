import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
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
 * All that is left of a host's life, in one text: what the journal means, domains, guests, records, lists, tokens, files and
 * routes; without moments, and with names in place of UUIDs.
 */
export const stateOf = async ({ dir, paths, deps, guests }: CrashHost): Promise<string> => {
  const { machines, breaker } = await deps.journal.refresh();
  const domains = await deps.hypervisor.list();
  const state = {
    machines: Object.values(machines).sort((one, other) => one.name.localeCompare(other.name)),
    breaker,
    domains: domains
      .map((domain) => ({ ...domain, guest: guests.of(domain.uuid) }))
      .sort((one, other) => one.name.localeCompare(other.name)),
    records: [...(await deps.records.list())].sort((one, other) => one.name.localeCompare(other.name)),
    reservations: [...(await deps.records.reservations())].map(([id, name]) => `${id} ${name}`).sort(),
    allocated: await deps.records.allocated(),
    minted: JSON.parse(readFileSync(join(dir, 'chain.json'), 'utf8')).minted,
    files: [...below(join(dir, 'vms')), ...below(paths.quarantineDir)],
    routes: below(join(dir, 'routes')),
  };
  const text = JSON.stringify(state, timeless, 1);
  return Object.values(machines).reduce(
    (done, { uuid, name }) => done.replaceAll(uuid, `<${name}>`),
    text.replaceAll(dir, ''),
  );
};

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DomainState } from '../../src/domain/domain-state.ts';
import { HypervisorError } from '../../src/domain/errors.ts';
import { machineMetadataXml } from '../../src/drivers/virsh/metadata-xml.ts';
import { parseDomainXml } from '../../src/drivers/virsh/parse-domain-xml.ts';
import type { Hypervisor } from '../../src/ports/hypervisor.ts';
import type { MachineBuilder } from '../../src/ports/machine-builder.ts';
import { MODEL_BASE } from '../../src/simulator/models/model-builder.ts';
import { modelDomainXml } from '../../src/simulator/models/model-domain-xml.ts';
import { createFileGuests, put } from './file-guest.ts';

/** A host whose domains, guests and disks are files, so that it outlives the processes that work on it. */

export const createFileHypervisor = (dir: string, guests = createFileGuests(dir)): Hypervisor => {
  mkdirSync(dir, { recursive: true });
  const xmlPath = (uuid: string): string => join(dir, `${uuid}.xml`);
  const xmlOf = (uuid: string): string => readFileSync(xmlPath(uuid), 'utf8');
  const factsOf = (uuid: string) => {
    const facts = parseDomainXml(xmlOf(uuid));
    if (!facts) throw new Error('unreadable XML');
    return facts;
  };
  const look = (uuid: string): DomainState | 'absent' => {
    if (!existsSync(xmlPath(uuid))) return 'absent';
    const { run, reason, saved, limits } = guests.of(uuid);
    const on = run === 'running';
    const power = { run, reason, persistent: true, hasSavedImage: saved, agentConnected: on, sinceUnixMs: 0 };
    return { ...factsOf(uuid), ...power, ...(on ? { limits } : {}) };
  };
  const off = (uuid: string, reason: 'shutdown' | 'destroyed' | 'saved'): void => {
    if (guests.of(uuid).run !== 'off') guests.set(uuid, { run: 'off', reason, limits: {} });
  };
  const networkOf = (uuid: string): string => {
    const [seed = ''] = factsOf(uuid).seeds;
    const path = join(dirname(seed), 'network');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  const nothing = async (): Promise<void> => undefined;
  return {
    list: async () =>
      readdirSync(dir)
        .filter((name) => name.endsWith('.xml'))
        .flatMap((name) => {
          const found = look(name.slice(0, -'.xml'.length));
          return found === 'absent' ? [] : found;
        }),
    look: async (uuid) => look(uuid),
    diskFiles: async () => [],
    limit: async (uuid, limits) => guests.set(uuid, { limits }),
    start: async (uuid) => {
      const { run, saved, network } = guests.of(uuid);
      if (run === 'running') return;
      guests.set(uuid, {
        run: 'running',
        reason: 'booted',
        saved: false,
        network: saved ? network : networkOf(uuid),
      });
    },
    resumePaused: nothing,
    requestShutdown: async (uuid, mode) => {
      if (guests.of(uuid).hears.includes(mode)) off(uuid, 'shutdown');
    },
    powerOff: async (uuid, how) => {
      const { run, stuck } = guests.of(uuid);
      if (run === 'running' && stuck && how === 'graceful')
        throw new HypervisorError('qemu does not end', { code: 'libvirt-refused', retryable: true });
      off(uuid, 'destroyed');
    },
    save: async (uuid) => {
      guests.set(uuid, { saved: true });
      off(uuid, 'saved');
    },
    dropSavedImage: async (uuid) => guests.set(uuid, { saved: false }),
    definition: async (uuid) => xmlOf(uuid),
    define: async (xml) => {
      const facts = parseDomainXml(xml);
      if (!facts) throw new HypervisorError('XML error', { code: 'libvirt-refused', retryable: false });
      put(xmlPath(facts.uuid), xml);
    },
    undefine: async (uuid) => {
      rmSync(xmlPath(uuid), { force: true });
      if (guests.of(uuid).saved) guests.set(uuid, { saved: false });
    },
    writeMetadata: async (uuid, metadata) =>
      put(
        xmlPath(uuid),
        xmlOf(uuid).replace(/<metadata>.*<\/metadata>/s, () => `<metadata>${machineMetadataXml(metadata)}</metadata>`),
      ),
    setLink: async (uuid, mac, linkUp) => {
      const facts = factsOf(uuid);
      const interfaces = facts.interfaces.map((card) => (card.mac === mac ? { mac, linkUp } : card));
      put(xmlPath(uuid), modelDomainXml({ ...facts, interfaces }));
    },
    refreshPools: nothing,
  };
};

export const createFileBuilder = (dir: string): MachineBuilder => {
  const placesOf = (name: string) => ({
    disk: join(dir, `${name}.qcow2`),
    seedDirectory: join(dir, 'cloud-init', name),
    seed: join(dir, 'cloud-init', name, 'seed.iso'),
  });
  return {
    missing: async () => [],
    capacity: async () => ({
      cpus: 8,
      memoryMib: 65_536,
      memoryFreeMib: 65_536,
      storageFreeBytes: 1024 ** 4,
      accelerator: 'tcg',
    }),
    currentBase: async () => MODEL_BASE,
    verifyBase: async () => undefined,
    placesOf,
    occupied: async (name) => [placesOf(name).disk, placesOf(name).seed].filter((path) => existsSync(path)),
    makeDisk: async ({ name }) => put(placesOf(name).disk, 'disk'),
    removeDisk: async (name) => rmSync(placesOf(name).disk, { force: true }),
    makeSeed: async (name, { userData, networkConfig }) => {
      if (networkConfig !== '') put(join(placesOf(name).seedDirectory, 'network'), networkConfig);
      put(placesOf(name).seed, userData);
    },
    renewNetwork: async (name, networkConfig) => put(join(placesOf(name).seedDirectory, 'network'), networkConfig),
    removeSeed: async (name) => rmSync(placesOf(name).seedDirectory, { recursive: true, force: true }),
    definitionOf: ({ uuid, name, mac, metadata }) =>
      modelDomainXml({
        uuid,
        name,
        disks: [placesOf(name).disk],
        seeds: [placesOf(name).seed],
        interfaces: [{ mac, linkUp: true }],
        metadata,
      }),
    readdressed: (definition) => definition,
  };
};

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DomainState } from '../../src/domain/domain-state.ts';
import { HypervisorError } from '../../src/domain/errors.ts';
import { machineMetadataXml } from '../../src/drivers/virsh/metadata-xml.ts';
import { parseDomainXml } from '../../src/drivers/virsh/parse-domain-xml.ts';
import type { Hypervisor } from '../../src/ports/hypervisor.ts';
import type { MachineBuilder } from '../../src/ports/machine-builder.ts';
import { MODEL_BASE } from '../../src/simulator/models/model-builder.ts';
import { modelDomainXml } from '../../src/simulator/models/model-domain-xml.ts';

/** A host whose domains and disks are files, so that it outlives the processes that work on it. */

const put = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
};

export const createFileHypervisor = (dir: string): Hypervisor => {
  mkdirSync(dir, { recursive: true });
  const xmlPath = (uuid: string): string => join(dir, `${uuid}.xml`);
  const onPath = (uuid: string): string => join(dir, `${uuid}.on`);
  const look = (uuid: string): DomainState | 'absent' => {
    if (!existsSync(xmlPath(uuid))) return 'absent';
    const facts = parseDomainXml(readFileSync(xmlPath(uuid), 'utf8'));
    if (!facts) throw new Error('unreadable XML');
    const on = existsSync(onPath(uuid));
    const state = { run: on ? 'running' : 'off', reason: on ? 'booted' : 'unknown' } as const;
    return { ...facts, ...state, persistent: true, hasSavedImage: false, sinceUnixMs: 0 };
  };
  const off = (uuid: string): void => rmSync(onPath(uuid), { force: true });
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
    limit: nothing,
    start: async (uuid) => put(onPath(uuid), ''),
    resumePaused: nothing,
    requestShutdown: async (uuid) => off(uuid),
    powerOff: async (uuid) => off(uuid),
    save: nothing,
    dropSavedImage: nothing,
    definition: async (uuid) => readFileSync(xmlPath(uuid), 'utf8'),
    define: async (xml) => {
      const facts = parseDomainXml(xml);
      if (!facts) throw new HypervisorError('XML error', { code: 'libvirt-refused', retryable: false });
      put(xmlPath(facts.uuid), xml);
    },
    undefine: async (uuid) => rmSync(xmlPath(uuid), { force: true }),
    writeMetadata: async (uuid, metadata) => {
      const xml = readFileSync(xmlPath(uuid), 'utf8');
      put(
        xmlPath(uuid),
        xml.replace(/<metadata>.*<\/metadata>/s, () => `<metadata>${machineMetadataXml(metadata)}</metadata>`),
      );
    },
    setLink: nothing,
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
    makeSeed: async (name, { userData }) => put(placesOf(name).seed, userData),
    renewNetwork: async () => undefined,
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

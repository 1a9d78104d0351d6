import * as z from 'zod';
import type { DomainState } from '../../domain/domain-state.ts';
import { readMachineMetadata } from './metadata-xml.ts';
import { uuidSchema } from './parse-domain-list.ts';
import { childAt, childrenNamed, parseXml, type XmlElement } from './xml.ts';

/** What a domain's XML tells about it, live where it runs. */
export type DomainFacts = Pick<
  DomainState,
  'uuid' | 'name' | 'agentConnected' | 'disks' | 'seeds' | 'nvram' | 'interfaces' | 'metadata'
>;

/** The port's name inside the guest that qemu-guest-agent listens on. */
const agentChannel = 'org.qemu.guest_agent.0';

/** Reads `virsh dumpxml`; undefined for anything but a domain with a UUID and a name. */
export const parseDomainXml = (xml: string): DomainFacts | undefined => {
  const domain = parseXml(xml);
  if (domain?.name !== 'domain') return undefined;
  const identity = identitySchema.safeParse({
    uuid: childAt(domain, 'uuid')?.text,
    name: childAt(domain, 'name')?.text,
  });
  if (!identity.success) return undefined;
  const devices = childAt(domain, 'devices');
  const drives = childrenNamed(devices, 'disk').flatMap(readDrive);
  const metadata = readMachineMetadata(domain);
  const nvram = readNvram(childAt(domain, 'os', 'nvram'));
  return {
    ...identity.data,
    agentConnected: childrenNamed(devices, 'channel').some(isLiveAgent),
    disks: drives.flatMap(({ path, writable }) => (writable ? [path] : [])),
    seeds: drives.flatMap(({ path, writable }) => (writable ? [] : [path])),
    interfaces: childrenNamed(devices, 'interface').flatMap(readInterface),
    ...(nvram && { nvram }),
    ...(metadata && { metadata }),
  };
};

const identitySchema = z.object({ uuid: uuidSchema, name: z.string().min(1) });

const readDrive = (disk: XmlElement): readonly { path: string; writable: boolean }[] => {
  const source = childAt(disk, 'source')?.attributes;
  const path = source?.get('file') ?? source?.get('dev');
  if (!path?.startsWith('/')) return []; // an empty tray, a volume by name, a network disk
  const device = disk.attributes.get('device') ?? 'disk';
  const writable = (device === 'disk' || device === 'lun') && childAt(disk, 'readonly') === undefined;
  return [{ path, writable }];
};

const readNvram = (nvram: XmlElement | undefined): string | undefined => {
  const path = childAt(nvram, 'source')?.attributes.get('file') ?? nvram?.text.trim();
  return path?.startsWith('/') ? path : undefined;
};

const readInterface = (element: XmlElement): readonly { mac: string; linkUp: boolean }[] => {
  const mac = childAt(element, 'mac')?.attributes.get('address')?.toLowerCase();
  if (mac === undefined || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) return [];
  return [{ mac, linkUp: childAt(element, 'link')?.attributes.get('state') !== 'down' }];
};

const isLiveAgent = (channel: XmlElement): boolean => {
  const target = childAt(channel, 'target')?.attributes;
  return target?.get('name') === agentChannel && target.get('state') === 'connected';
};

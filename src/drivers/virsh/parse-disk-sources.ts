import { childAt, childrenNamed, parseXml, type XmlElement } from './xml.ts';

/** One disk of a domain, with everything that its XML says of where its content comes from. */
export interface DiskSources {
  /** Files and devices, the disk's own first, then those beneath it as far as they are written down. */
  readonly paths: readonly string[];
  /** A volume that is named instead of a path. */
  readonly volume?: { readonly pool: string; readonly name: string };
  readonly format: string;
  /** The XML says where the chain ends, so nothing beneath is left unnamed. */
  readonly complete: boolean;
  /** It is a disk over the network, whose header cannot be read here. */
  readonly remote: boolean;
}

/**
 * Reads the disks of `virsh dumpxml`; undefined for what is no domain. A raw image has nothing beneath it: qemu does not
 * look for a header there. Of other formats libvirt knows the chain while the domain is on, and writes it down.
 */
export const parseDiskSources = (xml: string): readonly DiskSources[] | undefined => {
  const domain = parseXml(xml);
  if (domain?.name !== 'domain') return undefined;
  const isOn = domain.attributes.has('id');
  return childrenNamed(childAt(domain, 'devices'), 'disk').map((disk) => readDisk(disk, isOn));
};

/** Where a volume is, in what format, and what it stands on, from `virsh vol-dumpxml`. */
export const parseVolume = (
  xml: string,
): { readonly path: string; readonly backing?: { readonly path: string; readonly format?: string } } | undefined => {
  const volume = parseXml(xml);
  const path = childAt(volume, 'target', 'path')?.text;
  if (volume?.name !== 'volume' || path === undefined) return undefined;
  const backing = childAt(volume, 'backingStore');
  const below = childAt(backing, 'path')?.text;
  if (below === undefined || below === '') return { path };
  const format = childAt(backing, 'format')?.attributes.get('type');
  return { path, backing: { path: below, ...(format === undefined ? {} : { format }) } };
};

const readDisk = (disk: XmlElement, isOn: boolean): DiskSources => {
  const format = childAt(disk, 'driver')?.attributes.get('type') ?? 'raw';
  const source = childAt(disk, 'source')?.attributes;
  const [pool, name] = [source?.get('pool'), source?.get('volume')];
  const network = disk.attributes.get('type') === 'network';
  return {
    paths: sourcesIn(disk),
    ...(pool !== undefined && name !== undefined ? { volume: { pool, name } } : {}),
    format,
    complete: format === 'raw' || (isOn && endsInXml(disk)),
    remote: network,
  };
};

/** Every path below a disk, wherever it stands: its own, its backing chain, what it is being copied to. */
const sourcesIn = (element: XmlElement): readonly string[] =>
  element.children.flatMap((child) => {
    const path = child.attributes.get('file') ?? child.attributes.get('dev');
    const own = child.name === 'source' && path?.startsWith('/') ? [path] : [];
    return [...own, ...sourcesIn(child)];
  });

/** An empty `<backingStore/>` is the end of a chain. */
const endsInXml = (element: XmlElement): boolean => {
  const below = childAt(element, 'backingStore');
  return below !== undefined && (below.children.length === 0 || endsInXml(below));
};

import type { MachineMetadata, NetworkInterface } from '../../domain/domain-state.ts';
import { machineMetadataXml } from '../../drivers/virsh/metadata-xml.ts';
import { escapeXml } from '../../drivers/virsh/xml.ts';

export interface ModelDomain {
  readonly uuid: string;
  readonly name: string;
  readonly disks?: readonly string[];
  readonly seeds?: readonly string[];
  readonly interfaces?: readonly NetworkInterface[];
  readonly metadata?: MachineMetadata;
}

/** Domain XML as libvirt would write it, as far as the program reads it. */
export const modelDomainXml = ({
  uuid,
  name,
  disks = [],
  seeds = [],
  interfaces = [],
  metadata,
}: ModelDomain): string => `<domain type='test'>
  <name>${escapeXml(name)}</name>
  <uuid>${uuid}</uuid>
  <metadata>${metadata ? machineMetadataXml(metadata) : ''}</metadata>
  <os><type>hvm</type></os>
  <devices>
${disks.map((path) => drive('disk', path)).join('')}${seeds.map((path) => drive('cdrom', path)).join('')}${interfaces.map(nic).join('')}  </devices>
</domain>
`;

const drive = (device: 'disk' | 'cdrom', path: string): string =>
  `    <disk type='file' device='${device}'><source file='${escapeXml(path)}'/>${device === 'cdrom' ? '<readonly/>' : ''}</disk>\n`;

const nic = ({ mac, linkUp }: NetworkInterface): string =>
  `    <interface type='network'><mac address='${mac}'/>${linkUp ? '' : "<link state='down'/>"}</interface>\n`;

import { inPrivateFile } from '../virsh/private-file.ts';
import type { VirshShells } from '../virsh/shells.ts';
import { hypervisorError } from '../virsh/virsh-error.ts';

/** The nwfilter that every machine's card refers to. */
export const filterName = 'blockhost-clean';

/**
 * What may leave a machine: frames from its own MAC with its own IPv4 address, ARP that says the truth, IPv6 from the
 * addresses in IPV6, and what duplicate address detection needs. Nobody hands out addresses or routes. What comes in is not filtered.
 * Written as libvirt prints it, so that the two can be compared.
 *
 * It does not look into neighbour advertisements: there is no such match. Isolated ports leave the host alone to believe one.
 */
export const filterXml = `<filter name='${filterName}' chain='root'>
  <uuid>6c7c40c5-27a9-4cf8-9f0a-5d1f0e3a6a11</uuid>
  <rule action='drop' direction='out' priority='100'>
    <mac match='no' srcmacaddr='$MAC'/>
  </rule>
  <rule action='drop' direction='out' priority='200'>
    <ip protocol='udp' srcportstart='67'/>
  </rule>
  <rule action='drop' direction='out' priority='200'>
    <ipv6 protocol='udp' srcportstart='547'/>
  </rule>
  <rule action='drop' direction='out' priority='200'>
    <ipv6 protocol='icmpv6' type='134'/>
  </rule>
  <rule action='drop' direction='out' priority='200'>
    <ipv6 protocol='icmpv6' type='137'/>
  </rule>
  <rule action='accept' direction='out' priority='300'>
    <ip srcipaddr='$IP'/>
  </rule>
  <rule action='accept' direction='out' priority='300'>
    <arp arpsrcmacaddr='$MAC' arpsrcipaddr='$IP'/>
  </rule>
  <rule action='accept' direction='out' priority='300'>
    <arp opcode='Request' arpsrcmacaddr='$MAC' arpsrcipaddr='0.0.0.0'/>
  </rule>
  <rule action='accept' direction='out' priority='300'>
    <ipv6 srcipaddr='$IPV6'/>
  </rule>
  <rule action='accept' direction='out' priority='300'>
    <ipv6 srcipaddr='::' protocol='icmpv6'/>
  </rule>
  <rule action='drop' direction='out' priority='1000'>
    <mac/>
  </rule>
</filter>
`;

const timeoutMs = 20_000;

/** Has libvirt a filter of that name? Throws `HypervisorError` as `ensureFilter` does. */
export const hasFilter = async (shells: VirshShells): Promise<boolean> => {
  const listed = await shells.read(['nwfilter-list'], { timeoutMs });
  if (!listed.ok) throw hypervisorError('list its network filters', listed);
  return listed.stdout.split(/\s+/).includes(filterName);
};

/**
 * Sees to it that libvirt has our filter as it stands here; machines that run get a new version of it at once. Throws
 * `HypervisorError` where libvirt has no nwfilter driver, or does not answer.
 */
export const ensureFilter = async (shells: VirshShells): Promise<void> => {
  const found = await shells.read(['nwfilter-dumpxml', filterName], { timeoutMs });
  if (found.ok && found.stdout.trim() === filterXml.trim()) return;
  const uuid = found.ok ? /<uuid>([0-9a-f-]{36})<\/uuid>/.exec(found.stdout)?.[1] : undefined;
  // Under one name there is one UUID, whoever defined it first.
  const xml = uuid === undefined ? filterXml : filterXml.replace(/<uuid>.*<\/uuid>/, `<uuid>${uuid}</uuid>`);
  if (found.ok && found.stdout.trim() === xml.trim()) return;
  await inPrivateFile(xml, async (path) => {
    const result = await shells.mutate(['nwfilter-define', path], { timeoutMs });
    if (!result.ok) throw hypervisorError(`define the network filter ${filterName}`, result);
  });
};

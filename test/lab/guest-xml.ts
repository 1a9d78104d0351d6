import type { GuestImage } from './guest-image.ts';

/** Three ways to take a request to stop: obey it, ignore it, have no operating system at all. */
export type GuestKind = 'normal' | 'deaf' | 'empty';

/** What the domain XML of a laboratory guest says. */
export interface GuestXmlOptions {
  readonly name: string;
  readonly uuid: string;
  readonly kind: GuestKind;
  readonly mac: string;
  /** A bridge of the laboratory; without one the card leads into qemu's own network, which nobody can limit. */
  readonly bridge?: string | undefined;
  readonly disk: string;
  readonly cloudInitIso: string;
  readonly serialLog: string;
  /** A whole element with its own namespace declaration. */
  readonly metadataXml: string;
  readonly image: GuestImage;
}

// Under TCG every instruction counts: no self-tests, no mitigations, no probing of what this machine does not have.
export const quickBoot =
  'console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off nokaslr tsc=reliable no_timer_check cryptomgr.notests audit=0 8250.nr_uarts=1';

/** Domain XML for `virsh define`: TCG, direct kernel boot, virtio disk, cdrom, agent channel, a NIC whose link can be set. */
export function guestXml(options: GuestXmlOptions): string {
  const { name, uuid, kind, mac, disk, cloudInitIso, serialLog, metadataXml, image } = options;
  const words = `${quickBoot} lab=${kind} lab.name=${name.replace(/[^\w.-]/g, '_')}`;
  const network =
    options.bridge === undefined
      ? "<interface type='user'>"
      : `<interface type='bridge'><source bridge='${escapeXml(options.bridge)}'/>`;
  const boot = `<kernel>${escapeXml(image.kernel)}</kernel><initrd>${escapeXml(image.initramfs)}</initrd><cmdline>${escapeXml(words)}</cmdline>`;
  return `<domain type='qemu'>
  <name>${escapeXml(name)}</name>
  <uuid>${escapeXml(uuid)}</uuid>
  <metadata>${metadataXml}</metadata>
  <memory unit='MiB'>${kind === 'empty' ? 32 : 192}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>${kind === 'empty' ? '' : boot}</os>
  <features><acpi/></features>
  <cpu mode='maximum'/>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='writeback'/>
      <source file='${escapeXml(disk)}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='${escapeXml(cloudInitIso)}'/>
      <target dev='hda' bus='ide'/>
      <readonly/>
    </disk>
    ${network}
      <mac address='${escapeXml(mac)}'/>
      <model type='virtio'/>
      <rom enabled='no'/>
    </interface>
    <serial type='file'><source path='${escapeXml(serialLog)}' append='on'/><target port='0'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='none'/>
  </devices>
</domain>
`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>'"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

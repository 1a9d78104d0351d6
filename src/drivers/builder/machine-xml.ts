import type { MachinePlaces, MachineSpec } from '../../ports/machine-builder.ts';
import { machineMetadataXml } from '../virsh/metadata-xml.ts';
import { escapeXml } from '../virsh/xml.ts';
import { interfaceXml } from './interface-xml.ts';

/**
 * The domain XML of a new machine, fit for `define`. Pure; whatever stands in `spec` comes out as text and never as markup.
 *
 * Why it is as it is:
 * - The disk has qemu's default cache mode: it obeys the guest's flushes, and `none` fails on file systems without O_DIRECT.
 * - The chain of images is spelled out, so that libvirt looks into none, and the base keeps its owner (`relabel='no'`):
 *   a qemu that was taken over must not own what other machines rest on.
 * - The seed is a SCSI drive, since Debian's cloud kernel has no AHCI.
 * - No autostart, ever: after a boot of the host the daemon decides.
 */
export const machineXml = (spec: MachineSpec, host: { places: MachinePlaces; bridge: string }): string => {
  const { places, bridge } = host;
  return `<domain type='${spec.accelerator === 'kvm' ? 'kvm' : 'qemu'}'>
  <name>${escapeXml(spec.name)}</name>
  <uuid>${escapeXml(spec.uuid)}</uuid>
  <metadata>${machineMetadataXml(spec.metadata)}</metadata>
  <memory unit='MiB'>${whole(spec.memoryMib)}</memory>
  <vcpu>${whole(spec.cpus)}</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>${bootXml(spec)}
  </os>
  <features><acpi/><apic/></features>
  ${spec.accelerator === 'kvm' ? "<cpu mode='host-passthrough'/>" : "<cpu mode='maximum'/>"}
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='${escapeXml(places.disk)}'/>
      <backingStore type='file'>
        <format type='qcow2'/>
        <source file='${escapeXml(spec.base.path)}'><seclabel model='dac' relabel='no'/></source>
        <backingStore/>
      </backingStore>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='${escapeXml(places.seed)}'/>
      <target dev='sda' bus='scsi'/>
      <readonly/>
    </disk>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <controller type='usb' model='none'/>
    ${interfaceXml({ ...spec, bridge }, { isolated: true, filtered: true })}
    <serial type='pty'><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <memballoon model='virtio' autodeflate='on' freePageReporting='on'><stats period='10'/></memballoon>
  </devices>
</domain>
`;
};

const bootXml = ({ base: { boot } }: MachineSpec): string => {
  if (boot.kind === 'disk') return "\n    <boot dev='hd'/>";
  return `
    <kernel>${escapeXml(boot.kernel)}</kernel>
    <initrd>${escapeXml(boot.initrd)}</initrd>
    <cmdline>${escapeXml(boot.commandLine)}</cmdline>`;
};

/** A number that is none would be text that libvirt reads in its own way. */
const whole = (value: number): string => {
  if (!Number.isSafeInteger(value) || value <= 0) throw new RangeError(`not a positive whole number: ${value}`);
  return String(value);
};

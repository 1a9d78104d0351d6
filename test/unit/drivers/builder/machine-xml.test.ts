import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linkLocalOf } from '../../../../src/drivers/builder/interface-xml.ts';
import { machineXml } from '../../../../src/drivers/builder/machine-xml.ts';
import { parseDomainXml } from '../../../../src/drivers/virsh/parse-domain-xml.ts';
import { childAt, childrenNamed, parseXml, type XmlElement } from '../../../../src/drivers/virsh/xml.ts';
import type { MachineSpec } from '../../../../src/ports/machine-builder.ts';

const uuid = '0d9a7a52-4d8b-4d0e-9a53-3c1a1f6f2b10';
const spec: MachineSpec = {
  uuid,
  name: 'blockhost-001',
  cpus: 2,
  memoryMib: 1024,
  diskGib: 20,
  mac: '52:54:00:12:34:56',
  ipv4: '192.168.122.10',
  ipv6: '2001:db8::10',
  metadata: { schema: 1, uuid },
  base: {
    digest: `sha256:${'a'.repeat(64)}`,
    path: '/bases/aa.qcow2',
    virtualSizeBytes: 1,
    boot: { kind: 'disk' },
  },
  accelerator: 'kvm',
};
const host = {
  places: { disk: '/vms/blockhost-001.qcow2', seedDirectory: '/ci', seed: '/ci/seed.iso' },
  bridge: 'br0',
};
const parsed = (of: MachineSpec, where = host): XmlElement => {
  const document = parseXml(machineXml(of, where));
  if (document === undefined) throw new Error('not well-formed');
  return document;
};
const parameters = (of: MachineSpec): string[] =>
  childrenNamed(childAt(parsed(of), 'devices', 'interface', 'filterref'), 'parameter').map(
    ({ attributes }) => `${attributes.get('name')}=${attributes.get('value')}`,
  );

describe('the definition of a new machine', () => {
  it('is read back by our own observer as what was asked for (D8)', () => {
    expect(parseDomainXml(machineXml(spec, host))).toEqual({
      uuid,
      name: 'blockhost-001',
      agentConnected: false,
      disks: ['/vms/blockhost-001.qcow2'],
      seeds: ['/ci/seed.iso'],
      interfaces: [{ mac: '52:54:00:12:34:56', linkUp: true }],
      metadata: { schema: 1, uuid },
    });
  });

  it('asks for KVM only where KVM was seen to execute', () => {
    expect(parsed(spec).attributes.get('type')).toBe('kvm');
    expect(childAt(parsed(spec), 'cpu')?.attributes.get('mode')).toBe('host-passthrough');
    const emulated = parsed({ ...spec, accelerator: 'tcg' });
    expect(emulated.attributes.get('type')).toBe('qemu');
    expect(childAt(emulated, 'cpu')?.attributes.get('mode')).toBe('maximum');
  });

  it('isolates its port and lets out only its own addresses, its link-local one among them', () => {
    const card = childAt(parsed(spec), 'devices', 'interface');
    expect(childAt(card, 'source')?.attributes.get('bridge')).toBe('br0');
    expect(childAt(card, 'port')?.attributes.get('isolated')).toBe('yes');
    expect(childAt(card, 'filterref')?.attributes.get('filter')).toBe('blockhost-clean');
    expect(parameters(spec)).toEqual(['IP=192.168.122.10', 'IPV6=fe80::5054:ff:fe12:3456', 'IPV6=2001:db8::10']);
    expect(parameters({ ...spec, ipv6: '' })).toEqual(['IP=192.168.122.10', 'IPV6=fe80::5054:ff:fe12:3456']);
  });

  it('boots its disk, or a kernel where the base has no boot loader', () => {
    expect(childAt(parsed(spec), 'os', 'boot')?.attributes.get('dev')).toBe('hd');
    const boot = { kind: 'kernel', kernel: '/b/k', initrd: '/b/i', commandLine: "root=/dev/vda quote='<&>'" } as const;
    const os = childAt(parsed({ ...spec, base: { ...spec.base, boot } }), 'os');
    expect(['boot', 'kernel', 'initrd', 'cmdline'].map((name) => childAt(os, name)?.text)).toEqual([
      undefined,
      '/b/k',
      '/b/i',
      "root=/dev/vda quote='<&>'",
    ]);
  });

  it('keeps the base out of the hands of qemu’s user', () => {
    const backing = childAt(parsed(spec), 'devices', 'disk', 'backingStore', 'source');
    expect(backing?.attributes.get('file')).toBe('/bases/aa.qcow2');
    expect(childAt(backing, 'seclabel')?.attributes.get('relabel')).toBe('no');
  });

  it('is never markup of somebody else’s making, whatever the words are', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 });
    const shape = (element: XmlElement): unknown => [
      element.name,
      [...element.attributes.keys()],
      element.children.map(shape),
    ];
    const plain = shape(parsed(spec));
    fc.assert(
      fc.property(text, text, text, text, (name, bridge, disk, ipv4) => {
        const hostile = parsed({ ...spec, name, ipv4 }, { ...host, bridge, places: { ...host.places, disk } });
        expect(shape(hostile)).toEqual(plain);
        expect(childAt(hostile, 'name')?.text).toBe(name);
        expect(childAt(hostile, 'devices', 'interface', 'source')?.attributes.get('bridge')).toBe(bridge);
        expect(childAt(hostile, 'devices', 'disk', 'source')?.attributes.get('file')).toBe(disk);
      }),
    );
  });

  it('has no numbers that are none', () => {
    for (const cpus of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => machineXml({ ...spec, cpus }, host)).toThrow('not a positive whole number');
    }
  });
});

describe('the link-local address of a MAC', () => {
  it.each([
    ['52:54:00:12:34:56', 'fe80::5054:ff:fe12:3456'],
    ['00:00:00:00:00:00', 'fe80::200:ff:fe00:0'],
    ['02:ff:00:00:00:01', 'fe80::ff:ff:fe00:1'],
  ])('%s is %s (RFC 4291, appendix A)', (mac, address) => {
    expect(linkLocalOf(mac)).toBe(address);
  });
});

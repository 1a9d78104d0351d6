import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDomainList, parseUuidList } from '../../../../src/drivers/virsh/parse-domain-list.ts';
import { parseDomainXml } from '../../../../src/drivers/virsh/parse-domain-xml.ts';
import { parseDomstats } from '../../../../src/drivers/virsh/parse-domstats.ts';
import { runStateOf } from '../../../../src/drivers/virsh/run-state.ts';
import { modelDomainXml } from '../../../../src/simulator/models/model-domain-xml.ts';

const name = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom("'", "a'", "Domain: 'x'", '  state.state=5', ' lead', 'trail '),
  )
  .map((raw) => raw.replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, ''))
  .filter((text) => text !== '');
const fuzz = (pieces: readonly string[]) =>
  fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 12 }).map((parts) => parts.join(''));

describe('listings of virsh', () => {
  it('domstats gives back every name, state and reason', () => {
    const block = fc.record({ name, state: fc.nat(9), reason: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(block), (blocks) => {
        const printed = blocks.map(
          (each) => `Domain: '${each.name}'\n  state.state=${each.state}\n  state.reason=${each.reason}\n`,
        );
        expect(parseDomstats(printed.join('\n'))).toEqual(blocks);
      }),
    );
  });

  it('domstats leaves out a block that lacks its state, and never throws', () => {
    expect(parseDomstats("Domain: 'a'\n  state.state=1\n\nDomain: 'b'\n  state.state=x\n  state.reason=0\n")).toEqual(
      [],
    );
    fc.assert(
      fc.property(fuzz(["Domain: '", "'\n", '  state.state=', '  state.reason=', '1\n', '-1\n', '\n']), (text) => {
        for (const { state, reason } of parseDomstats(text)) expect(state + reason).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('list gives back every UUID and name', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ uuid: fc.uuid(), name })), (domains) => {
        const printed = `${domains.map((each) => `${each.uuid} ${each.name}\n`).join('')}\n`;
        expect(parseDomainList(printed)).toEqual(domains);
        expect(parseUuidList(`${domains.map((each) => `${each.uuid}\n`).join('')}\n`)).toEqual(
          domains.map(({ uuid }) => uuid),
        );
      }),
    );
  });

  it('a list with one line that is not understood is no list at all: nobody is absent because of it (L3)', () => {
    const uuid = '6695eb01-f6a4-8304-79aa-97f2502e193f';
    expect(parseDomainList(`${uuid} a\nnonsense\n`)).toBeUndefined();
    expect(parseDomainList(`${uuid}\n`)).toBeUndefined();
    expect(parseUuidList(`${uuid} a\n`)).toBeUndefined();
    expect(parseDomainList('\n')).toEqual([]);
  });

  it('knows a state by its number, and calls a number that it does not know neither off nor on by choice', () => {
    expect(runStateOf(5, 1)).toEqual({ run: 'off', reason: 'shutdown' });
    expect(runStateOf(5, 0)).toEqual({ run: 'off', reason: 'unknown' });
    expect(runStateOf(5, 3)).toEqual({ run: 'off', reason: 'crashed' });
    expect(runStateOf(5, 6)).toEqual({ run: 'off', reason: 'failed' });
    expect(runStateOf(3, 5)).toEqual({ run: 'paused', reason: 'io-error' });
    expect(runStateOf(3, 3)).toEqual({ run: 'paused', reason: 'saving' });
    expect(runStateOf(1, 1)).toEqual({ run: 'running', reason: 'booted' });
    expect(runStateOf(5, 99)).toEqual({ run: 'off', reason: 'other' });
    expect(runStateOf(99, 1)).toEqual({ run: 'no-state', reason: 'other' });
  });
});

describe('parseDomainXml', () => {
  const path = name.map((text) => `/${text}`);
  const mac = fc.stringMatching(/^52:54(:[0-9a-f]{2}){4}$/);
  const domain = fc.record({
    uuid: fc.uuid(),
    name,
    disks: fc.array(path, { maxLength: 3 }),
    seeds: fc.array(path, { maxLength: 2 }),
    interfaces: fc.array(fc.record({ mac, linkUp: fc.boolean() }), { maxLength: 3 }),
  });

  it('gives back what a domain was defined with', () => {
    fc.assert(
      fc.property(domain, (wanted) => {
        expect(parseDomainXml(modelDomainXml(wanted))).toEqual({ limits: {}, ...wanted, agentConnected: false });
      }),
    );
  });

  it('reads a domain that runs, as libvirt 9.0 prints it', () => {
    const xml = `<domain type='kvm' id='3'>
      <name>blockhost-001</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>
      <devices>
        <disk type='block' device='disk'><source dev='/dev/vg/a' index='1'/><backingStore type='file'><source file='/base'/></backingStore></disk>
        <disk type='file' device='disk'><source file='/ro.img'/><readonly/></disk>
        <disk type='file' device='cdrom'><target dev='hda'/></disk>
        <disk type='file' device='cdrom'><source file='/seed.iso'/><readonly/></disk>
        <disk type='network' device='disk'><source protocol='rbd' name='p/i'/></disk>
        <interface type='bridge'><mac address='52:54:00:AB:cd:ef'/><link state='up'/></interface>
        <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>
      </devices></domain>`;
    expect(parseDomainXml(xml)).toEqual({
      uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f',
      name: 'blockhost-001',
      limits: {},
      disks: ['/dev/vg/a'],
      seeds: ['/ro.img', '/seed.iso'],
      interfaces: [{ mac: '52:54:00:ab:cd:ef', linkUp: true }],
      agentConnected: true,
    });
  });

  it('takes another channel, or a disconnected one, for no agent', () => {
    const withChannel = (target: string) =>
      parseDomainXml(
        modelDomainXml({ uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f', name: 'a' }).replace(
          '</devices>',
          `<channel><target ${target}/></channel></devices>`,
        ),
      );
    expect(withChannel("name='org.qemu.guest_agent.0' state='disconnected'")?.agentConnected).toBe(false);
    expect(withChannel("name='org.qemu.guest_agent.0'")?.agentConnected).toBe(false);
    expect(withChannel("name='com.redhat.spice.0' state='connected'")?.agentConnected).toBe(false);
  });

  it('is undefined for anything but a domain with a UUID and a name, and never throws', () => {
    expect(parseDomainXml('')).toBeUndefined();
    expect(parseDomainXml('<network><name>a</name></network>')).toBeUndefined();
    expect(parseDomainXml('<domain><name>a</name><uuid>nope</uuid></domain>')).toBeUndefined();
    fc.assert(
      fc.property(
        fuzz(['<domain>', '</domain>', '<name>', '</name>', '<uuid>', '</uuid>', '<devices/>', '&']),
        (text) => {
          parseDomainXml(text);
        },
      ),
    );
  });
});

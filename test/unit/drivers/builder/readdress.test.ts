import { describe, expect, it } from 'vitest';
import { readdressed } from '../../../../src/drivers/builder/readdress.ts';

const card = (mac: string, filter: string): string => `    <interface type='bridge'>
      <mac address='${mac}'/>
      <source bridge='br0'/>
      <port isolated='yes'/>
      <model type='virtio'/>
${filter}      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
`;
const OURS = `      <filterref filter='blockhost-clean'>
        <parameter name='IP' value='10.77.0.2'/>
        <parameter name='IPV6' value='fe80::5054:ff:feaa:bbcc'/>
        <parameter name='IPV6' value='fd77::3'/>
      </filterref>
`;
const domain = (...cards: string[]): string =>
  `<domain type='kvm'>\n  <name>vm</name>\n  <devices>\n${cards.join('')}  </devices>\n</domain>\n`;
const MAC = '52:54:00:aa:bb:cc';
const NEW = { mac: MAC, ipv4: '10.77.0.9', ipv6: 'fd77::9' };

describe('the definition of a machine with other addresses', () => {
  it('lets those pass its filter, and is the same in all else', () => {
    const filter = `      <filterref filter='blockhost-clean'><parameter name='IP' value='10.77.0.9'/><parameter name='IPV6' value='fe80::5054:ff:feaa:bbcc'/><parameter name='IPV6' value='fd77::9'/></filterref>
`;
    expect(readdressed(domain(card(MAC, OURS)), NEW)).toBe(domain(card(MAC, filter)));
    expect(readdressed(domain(card(MAC.toUpperCase(), OURS)), NEW)).toBe(domain(card(MAC.toUpperCase(), filter)));
  });

  it('done twice is the same', () => {
    const once = readdressed(domain(card(MAC, OURS)), NEW);
    expect(readdressed(once, NEW)).toBe(once);
  });

  it('has no IPv6 address in its filter but its own where it has none', () => {
    const text = readdressed(domain(card(MAC, OURS)), { ...NEW, ipv6: '' });
    expect(text.match(/name='IPV6' value='([^']*)'/g)).toEqual(["name='IPV6' value='fe80::5054:ff:feaa:bbcc'"]);
  });

  it('leaves every other card alone, and a card with somebody else’s filter or none', () => {
    const other = card('52:54:00:00:00:01', OURS);
    const text = readdressed(domain(other, card(MAC, OURS)), NEW);
    expect(text).toContain(other);
    expect(text).toContain('10.77.0.9');
    for (const filter of ['', "      <filterref filter='clean-traffic'/>\n"])
      expect(readdressed(domain(card(MAC, filter)), NEW)).toBe(domain(card(MAC, filter)));
  });

  it('is refused where the card is not the one that we gave it', () => {
    const refusal = expect.objectContaining({ code: 'card-unknown', retryable: false });
    expect(() => readdressed(domain(card('52:54:00:00:00:01', OURS)), NEW)).toThrow(refusal);
    expect(() => readdressed('no XML', NEW)).toThrow(refusal);
  });
});

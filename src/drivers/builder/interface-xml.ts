import type { NetworkCard } from '../../ports/machine-builder.ts';
import { escapeXml } from '../virsh/xml.ts';
import { filterName } from './network-filter.ts';

/** What a machine's network card is given. */
export interface InterfaceSpec extends NetworkCard {
  readonly bridge: string;
}

/** The parts that a host may be unable to do; machines have both, the search for what is missing leaves one out. */
export interface InterfaceGuards {
  /** Machines on the bridge do not see each other. */
  readonly isolated: boolean;
  /** The machine cannot speak with another's addresses. */
  readonly filtered: boolean;
}

/** The addresses that our filter lets pass. */
export const filterParametersXml = (card: NetworkCard): string => {
  const parameter = (name: string, value: string): string => `<parameter name='${name}' value='${escapeXml(value)}'/>`;
  const ipv6 = [linkLocalOf(card.mac), ...(card.ipv6 === '' ? [] : [card.ipv6])];
  return [parameter('IP', card.ipv4), ...ipv6.map((address) => parameter('IPV6', address))].join('');
};

/** A network card on the bridge. */
export const interfaceXml = (spec: InterfaceSpec, { isolated, filtered }: InterfaceGuards): string => {
  return `<interface type='bridge'>
      <source bridge='${escapeXml(spec.bridge)}'/>
      <mac address='${escapeXml(spec.mac)}'/>
      <model type='virtio'/>${isolated ? "<port isolated='yes'/>" : ''}
      ${filtered ? `<filterref filter='${filterName}'>${filterParametersXml(spec)}</filterref>` : ''}
    </interface>`;
};

/** The link-local address that a guest makes of its MAC (RFC 4291, modified EUI-64); neighbour discovery needs it. */
export const linkLocalOf = (mac: string): string => {
  const bytes = mac.split(':').map((byte) => Number.parseInt(byte, 16));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  const group = (high: number, low: number): string => ((high << 8) | low).toString(16);
  return `fe80::${[group(a ^ 2, b), group(c, 0xff), group(0xfe, d), group(e, f)].join(':')}`;
};

import { formatIpv6, parseIpv6, parseIpv6Network } from '../ipv6.ts';
import type { GuestSettings, SeedMachine } from './seed-request.ts';

/**
 * The network configuration (netplan, version 2): static, the interface found by its MAC, for its name depends on the
 * machine type. IPv6 is a single address; its gateway, the first of the prefix, is on the link although no prefix says so.
 */
export const networkConfigOf = (
  machine: Pick<SeedMachine, 'mac' | 'ipv4' | 'ipv6'>,
  settings: Pick<GuestSettings, 'ipv4Gateway' | 'ipv6Prefix' | 'nameservers'>,
): string => {
  const gateway6 = ipv6GatewayOf(machine.ipv6, settings.ipv6Prefix);
  const lines = [
    'version: 2',
    'ethernets:',
    '  primary:',
    '    match:',
    `      macaddress: "${machine.mac.toLowerCase()}"`,
    // Renderers without a notion of MACs take the name of the entry for the interface's: so it gets one.
    '    set-name: eth0',
    '    dhcp4: false',
    '    dhcp6: false',
    '    accept-ra: false',
    '    addresses:',
    `      - "${machine.ipv4}/24"`,
    ...(machine.ipv6 === '' ? [] : [`      - "${machine.ipv6}/128"`]),
    '    routes:',
    '      - to: "0.0.0.0/0"',
    `        via: "${settings.ipv4Gateway}"`,
    ...(gateway6 === undefined ? [] : ['      - to: "::/0"', `        via: "${gateway6}"`, '        on-link: true']),
    ...(settings.nameservers.length === 0
      ? []
      : ['    nameservers:', '      addresses:', ...settings.nameservers.map((server) => `        - "${server}"`)]),
  ];
  return `${lines.join('\n')}\n`;
};

/** The first address of the prefix; none where the machine has no IPv6 or is that address itself. */
const ipv6GatewayOf = (ipv6: string, prefix: string | undefined): string | undefined => {
  const network = prefix === undefined ? undefined : parseIpv6Network(prefix);
  if (ipv6 === '' || network === undefined) return undefined;
  const gateway = network.network + 1n;
  return parseIpv6(ipv6) === gateway ? undefined : formatIpv6(gateway);
};

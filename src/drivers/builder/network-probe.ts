import { randomUUID } from 'node:crypto';
import { explain, HypervisorError } from '../../domain/errors.ts';
import { inPrivateFile } from '../virsh/private-file.ts';
import type { VirshShells } from '../virsh/shells.ts';
import { hypervisorError } from '../virsh/virsh-error.ts';
import { type InterfaceGuards, interfaceXml } from './interface-xml.ts';
import { ensureFilter, filterName, hasFilter } from './network-filter.ts';

const timeoutMs = 20_000;

/**
 * Says what of the network a new machine would lack, one sentence each: found out by giving a card as machines have it to
 * a domain that is never run. Throws (retryable) where libvirt does not answer. Who `onlyLooks` defines no filter for it:
 * where there is none yet, the card is tried without.
 */
export const missingOfNetwork = async (
  shells: VirshShells,
  bridge: string,
  { onlyLooks = false }: { readonly onlyLooks?: boolean } = {},
): Promise<readonly string[]> => {
  let filtered = true;
  const noFilter = await refusal(async () => {
    if (onlyLooks) filtered = await hasFilter(shells);
    else await ensureFilter(shells);
  });
  const attempt = (guards: InterfaceGuards): Promise<string | undefined> =>
    refusal(() => plugIn(shells, bridge, guards));
  if (noFilter === undefined && (await attempt({ isolated: true, filtered })) === undefined) return [];
  const bare = await attempt({ isolated: false, filtered: false });
  if (bare !== undefined) return [`bridge ${bridge} takes no machine: ${bare}`];
  const isolated = await attempt({ isolated: true, filtered: false });
  const unfiltered = noFilter ?? (await attempt({ isolated: false, filtered }));
  return [
    ...(isolated === undefined ? [] : [`ports of bridge ${bridge} cannot be isolated from each other: ${isolated}`]),
    ...(unfiltered === undefined
      ? []
      : [`libvirt cannot filter forged addresses (nwfilter ${filterName}): ${unfiltered}`]),
  ];
};

/** What libvirt said when it refused; what is not its own word is thrown on. */
const refusal = async (act: () => Promise<void>): Promise<string | undefined> => {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (!(error instanceof HypervisorError) || error.code !== 'libvirt-refused') throw error;
    const said = error.cause instanceof Error ? error.cause.message : explain(error);
    return said.replace(/^Failed to [a-z]+ [a-z]+ from \S+; /, ''); // a file of ours that is gone by now
  }
};

/** Addresses of documentation: nothing is ever sent. */
const nobody = { mac: '52:54:00:00:53:00', ipv4: '192.0.2.1', ipv6: '2001:db8::1' };

const plugIn = async (shells: VirshShells, bridge: string, guards: InterfaceGuards): Promise<void> => {
  const name = `blockhost-probe-${randomUUID().slice(0, 8)}`;
  const xml = `<domain type='qemu'>
  <name>${name}</name>
  <memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <controller type='usb' model='none'/>
    ${interfaceXml({ ...nobody, bridge }, guards)}
    <memballoon model='none'/>
  </devices>
</domain>
`;
  await inPrivateFile(xml, async (path) => {
    try {
      // It ends with this shell, whatever becomes of us.
      const result = await shells.mutate(['create', path, '--paused', '--autodestroy'], { timeoutMs });
      if (!result.ok) throw hypervisorError(`plug a machine into bridge ${bridge}`, result);
    } finally {
      await shells.mutate(['destroy', name], { timeoutMs });
    }
  });
};

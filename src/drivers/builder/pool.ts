import type { VirshShells } from '../virsh/shells.ts';
import { hypervisorError } from '../virsh/virsh-error.ts';
import { childAt, parseXml } from '../virsh/xml.ts';

/** The storage pool as libvirt sees it. */
export interface PoolState {
  readonly active: boolean;
  readonly path: string;
  readonly availableBytes: number;
}

const timeoutMs = 15_000;

/** Looks at a pool; only libvirt's definite "no such pool" is `absent`. Throws where it does not answer. */
export const lookAtPool = async (shells: VirshShells, pool: string): Promise<PoolState | 'absent'> => {
  const [xml, info] = await Promise.all([
    shells.read(['pool-dumpxml', '--pool', pool], { timeoutMs }),
    shells.read(['pool-info', '--pool', pool], { timeoutMs }),
  ]);
  if (!xml.ok && /Storage pool not found/.test(xml.stderr)) return 'absent';
  const doing = `describe storage pool ${pool}`;
  if (!xml.ok) throw hypervisorError(doing, xml);
  if (!info.ok) throw hypervisorError(doing, info);
  const parsed = parseXml(xml.stdout);
  return {
    active: /^State:\s+running$/m.test(info.stdout),
    path: childAt(parsed, 'target', 'path')?.text ?? '',
    availableBytes: Number(childAt(parsed, 'available')?.text ?? '0'),
  };
};

/** What keeps new disks out of it, one sentence each. */
export const missingOfPool = (pool: string, state: PoolState | 'absent', storagePath: string): readonly string[] => {
  if (state === 'absent') {
    return [
      `libvirt has no storage pool "${pool}": virsh pool-define-as ${pool} dir --target ${storagePath}, then pool-start and pool-autostart`,
    ];
  }
  const path = state.path.replace(/\/+$/, '');
  return [
    ...(state.active ? [] : [`storage pool "${pool}" is not active: virsh pool-start ${pool}`]),
    ...(path === storagePath.replace(/\/+$/, '')
      ? []
      : [`storage pool "${pool}" lies at ${state.path}, and storage_path is ${storagePath}: make them one`]),
  ];
};

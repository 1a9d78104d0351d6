import { existsSync } from 'node:fs';
import { type DomainState, isOn } from '../../domain/domain-state.ts';
import { HypervisorError } from '../../domain/errors.ts';
import type { Limits } from '../../domain/journal/memory.ts';
import { kilobytesOf, limitsMissing } from '../../domain/limits.ts';
import type { Hypervisor } from '../../ports/hypervisor.ts';
import type { HypervisorParts } from './hypervisor-parts.ts';
import { hypervisorError } from './virsh-error.ts';

const PERIOD_US = 100_000;
/** libvirt's word for no quota. */
const NO_QUOTA = -1;

/** The weight of a machine that nobody weighed: the newer control groups count otherwise. */
const usualShares = (): number => (existsSync('/sys/fs/cgroup/cgroup.controllers') ? 100 : 1024);

const quotaUs = (percent: number | undefined): number =>
  percent === undefined ? NO_QUOTA : Math.round((PERIOD_US * percent) / 100);

/** What libvirt is asked to do with one of its commands, and the words for it. */
interface Change {
  readonly doing: string;
  readonly argv: readonly string[];
}

/** One change for the processor, one for each disk, one for each interface; only of a kind in which something is not as wanted. */
export const limitCommands = (domain: DomainState, limits: Limits, shares = usualShares()): readonly Change[] => {
  const { uuid, disks, interfaces } = domain;
  const seen = domain.limits ?? {};
  const missing = new Set(limitsMissing(limits, seen));
  const cpu = missing.has('cpuShares') || missing.has('cpuQuotaPercent');
  const disk = missing.has('readIops') || missing.has('writeIops');
  // Uneven interfaces count as missing only where any is, or is to be, shaped: else libvirt is not asked at all.
  const net = missing.has('bandwidthInKbps') || missing.has('bandwidthOutKbps') || unevenNet(domain, limits);
  const set = (name: string, value: number): readonly string[] => ['--set', `${name}=${value}`];
  return [
    ...(cpu
      ? [
          {
            doing: 'limit the processor time',
            argv: [
              ...['schedinfo', uuid, '--live'],
              ...set('cpu_shares', limits.cpuShares ?? shares),
              ...set('vcpu_period', PERIOD_US),
              ...set('vcpu_quota', quotaUs(limits.cpuQuotaPercent)),
            ],
          },
        ]
      : []),
    ...(disk
      ? disks.map((path) => ({
          doing: 'limit the disk operations',
          argv: [
            ...['blkdeviotune', uuid, path, '--live'],
            ...['--read-iops-sec', String(limits.readIops ?? 0), '--write-iops-sec', String(limits.writeIops ?? 0)],
          ],
        }))
      : []),
    ...(net
      ? interfaces.map(({ mac }) => ({
          doing: 'limit the bandwidth',
          // As the machine sees it: inbound is what it receives.
          argv: [
            ...['domiftune', uuid, mac, '--live'],
            ...['--inbound', String(kilobytesOf(limits.bandwidthInKbps))],
            ...['--outbound', String(kilobytesOf(limits.bandwidthOutKbps))],
          ],
        }))
      : []),
  ];
};

const unevenNet = ({ limits: seen }: DomainState, limits: Limits): boolean =>
  seen?.uneven === true &&
  [seen.bandwidthInKbps, seen.bandwidthOutKbps, limits.bandwidthInKbps, limits.bandwidthOutKbps].some(
    (value) => value !== undefined,
  );

const hintFor = ({ doing }: Change): string =>
  doing === 'limit the bandwidth'
    ? "the host's kernel needs sch_htb, sch_sfq, sch_ingress, cls_u32 and act_police, and the machine a bridge"
    : 'the host needs what libvirt says is not there; limits of other kinds can be set without it';

/** Sets what is in force for a running domain and leaves its definition alone: a limit never keeps a machine from starting. */
export const createLimiter = ({ deadlines, run, look }: HypervisorParts): Pick<Hypervisor, 'limit'> => ({
  limit: async (uuid, limits) => {
    const domain = await look(uuid);
    if (domain === 'absent' || !isOn(domain)) {
      throw new HypervisorError(`domain ${uuid} is off: nothing is in force for it`, {
        code: 'domain-off',
        retryable: true,
      });
    }
    for (const change of limitCommands(domain, limits)) {
      const result = await run(change.argv, { timeoutMs: deadlines.changeTimeoutMs });
      if (result.ok) continue;
      const {
        message,
        code,
        retryable,
        hint = hintFor(change),
      } = hypervisorError(`${change.doing} of ${domain.name}`, result);
      throw new HypervisorError(message, { code, retryable, hint });
    }
  },
});

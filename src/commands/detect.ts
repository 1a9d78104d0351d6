import { access, constants } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { loadConfig } from '../config/load.ts';
import { createPaths, type Paths } from '../config/paths.ts';
import { probeExecution } from '../drivers/builder/execution-probe.ts';
import { createSystemClock } from '../drivers/clock/system-clock.ts';
import { quietLog } from '../drivers/log/quiet-log.ts';
import { createShells } from '../drivers/virsh/shells.ts';

const limitMs = 30_000;
/** libvirt may have to look at qemu first, which takes seconds. */
const firstAnswerMs = 10_000;

/**
 * `detect`: exit 0 where libvirt answers and guests of either type execute, else 1; no output (contract §2). The
 * translator is tried first, since a KVM that hangs takes its whole time limit. Ends within half a minute.
 */
export const detect = async (): Promise<void> => {
  const clock = createSystemClock();
  const usable = await Promise.race([isUsable().catch(() => false), clock.sleep(limitMs).then(() => false)]);
  // Shells that were kept are no reason to stay; probes end with them.
  process.exit(usable ? 0 : 1);
};

const isUsable = async (): Promise<boolean> => {
  const paths = createPaths(process.env);
  const clock = createSystemClock();
  const shells = createShells({ uri: await libvirtUri(paths), clock, log: quietLog });
  // A libvirt that hangs is found out by a question that costs nothing.
  if (!(await shells.read(['version'], { timeoutMs: firstAnswerMs })).ok) return false;
  const directory = await readableForQemu(paths);
  for (const type of ['qemu', 'kvm'] as const) {
    const executed = await probeExecution({ shells, clock, directory }, type).then(
      ({ outcome }) => outcome === 'executed',
      () => false,
    );
    if (executed) return true;
  }
  return false;
};

/** A configuration with faults says nothing about the platform. */
const libvirtUri = async (paths: Paths): Promise<string> => {
  const { env } = process;
  const config = await loadConfig({ paths, env }).catch(() => undefined);
  return config?.libvirtUri ?? (env.LIBVIRT_DEFAULT_URI || 'qemu:///system');
};

/** The installer asks before anything of ours is there. */
const readableForQemu = async ({ basesDir }: Paths): Promise<string> => {
  try {
    await access(basesDir, constants.W_OK);
    return basesDir;
  } catch {
    return tmpdir();
  }
};

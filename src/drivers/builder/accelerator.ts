import { access } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { BlockhostError } from '../../domain/errors.ts';
import type { Log } from '../../ports/log.ts';
import type { HostCapacity } from '../../ports/machine-builder.ts';
import { readIfThere } from '../bases/base-files.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { ensureTraversableDirectory } from '../files/shared-ownership.ts';
import type { VirshShells } from '../virsh/shells.ts';
import { type ExecutionProbe, probeExecution } from './execution-probe.ts';

type Accelerator = HostCapacity['accelerator'];

export interface AcceleratorDeps extends Omit<ExecutionProbe, 'directory'> {
  readonly log: Log;
  /** Where the answer is kept. */
  readonly stateDir: string;
  /** Where qemu may read. */
  readonly basesDir: string;
  readonly libvirtUri: string;
  /** Changes with every boot of the host: its firmware may have been told to offer KVM, or not to. */
  readonly bootId: string;
  /** Nothing is to be written: what is found out is not remembered, no directory is made. */
  readonly onlyLooks?: boolean;
}

const answerSchema = z.object({ schema: z.literal(1), key: z.string(), accelerator: z.enum(['kvm', 'tcg']) });

/**
 * KVM where it was seen to execute, qemu's translator elsewhere. Found out once per kernel, qemu and boot and shared by
 * all processes; what could not be found out is not remembered. Throws where libvirt does not answer.
 */
export const seeAccelerator = async (deps: AcceleratorDeps): Promise<Accelerator> => {
  const path = join(deps.stateDir, 'accelerator.json');
  const key = [release(), await qemuVersion(deps.shells), deps.bootId, deps.libvirtUri].join(' ');
  const known = readAnswer(await readIfThere(path));
  if (known?.key === key) return known.accelerator;
  if (deps.onlyLooks !== true) {
    await ensureTraversableDirectory(deps.stateDir);
    await ensureTraversableDirectory(deps.basesDir);
  } else if (!(await isThere(deps.basesDir))) {
    return 'tcg'; // nowhere to try it; without bases there is nothing to run on it either
  }
  try {
    const { outcome } = await probeExecution({ ...deps, directory: deps.basesDir }, 'kvm');
    const accelerator = outcome === 'executed' ? 'kvm' : 'tcg';
    if (outcome === 'mute') deps.log.warn({}, 'KVM is there and executes nothing in time; machines are emulated');
    if (deps.onlyLooks !== true) await remember(path, { schema: 1, key, accelerator });
    return accelerator;
  } catch (error) {
    if (!(error instanceof BlockhostError) || error.code !== 'libvirt-refused') throw error;
    deps.log.warn({ err: error }, 'KVM could not be tried; machines are emulated');
    return 'tcg';
  }
};

const isThere = (directory: string): Promise<boolean> =>
  access(directory).then(
    () => true,
    () => false,
  );

const qemuVersion = async (shells: VirshShells): Promise<string> => {
  const { stdout } = await shells.read(['version'], { timeoutMs: 15_000 });
  return /Running hypervisor: (.+)/.exec(stdout)?.[1]?.trim() ?? 'unknown';
};

const readAnswer = (text: string | undefined): z.infer<typeof answerSchema> | undefined => {
  try {
    return answerSchema.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined; // absent, or torn, or of another version: found out again
  }
};

/** Remembering only saves time. */
const remember = async (path: string, answer: z.infer<typeof answerSchema>): Promise<void> => {
  await writeFileAtomic(path, `${JSON.stringify(answer)}\n`, { shared: true }).catch((error: unknown) => {
    if (!(error instanceof BlockhostError)) throw error;
  });
};

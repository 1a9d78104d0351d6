import type { Command } from 'commander';
import { program } from './program.ts';

/** `blockhost-provisioner-detect`: can this host run machines on libvirt? (contract §2) */
export const detect = (): Command =>
  program({
    name: 'blockhost-provisioner-detect',
    description: 'Tells by its exit code whether libvirt answers and guests execute here; prints nothing.',
    examples: ['blockhost-provisioner-detect'],
    exitStatus: '0 where machines can run, 1 where they cannot; within half a minute.',
  }).action(async () => (await import('../../src/commands/detect.ts')).detect());

import type { Command } from 'commander';
import { daemon } from './daemon.ts';
import { operatorWords } from './operator-words.ts';
import { vmGuestExec } from './vm-guest-exec.ts';
import { vmMetrics } from './vm-metrics.ts';
import { vmStatus } from './vm-status.ts';
import { vmThrottle } from './vm-throttle.ts';
import { vmUpdateGecos } from './vm-update-gecos.ts';

/** Every program, for what is made of their declarations: PROJECT.yaml, man pages, completion. */
export const programs = (): readonly Command[] => [
  daemon(),
  operatorWords(),
  vmGuestExec(),
  vmMetrics(),
  vmStatus(),
  vmThrottle(),
  vmUpdateGecos(),
];

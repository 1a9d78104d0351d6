import type { Command } from 'commander';
import { buildTemplate } from './build-template.ts';
import { daemon } from './daemon.ts';
import { detect } from './detect.ts';
import { mintNft } from './mint-nft.ts';
import { operatorWords } from './operator-words.ts';
import { vmCreate } from './vm-create.ts';
import { vmDestroy } from './vm-destroy.ts';
import { vmGc } from './vm-gc.ts';
import { vmGuestExec } from './vm-guest-exec.ts';
import { vmKill } from './vm-kill.ts';
import { vmList } from './vm-list.ts';
import { vmMetrics } from './vm-metrics.ts';
import { vmResume } from './vm-resume.ts';
import { vmStart } from './vm-start.ts';
import { vmStatus } from './vm-status.ts';
import { vmStop } from './vm-stop.ts';
import { vmThrottle } from './vm-throttle.ts';
import { vmUpdateGecos } from './vm-update-gecos.ts';

/** Every program, for what is made of their declarations: PROJECT.yaml, man pages, completion. */
export const programs = (): readonly Command[] => [
  daemon(),
  operatorWords(),
  vmCreate(),
  vmStart(),
  vmStop(),
  vmKill(),
  vmDestroy(),
  vmResume(),
  vmGc(),
  vmStatus(),
  vmList(),
  vmMetrics(),
  vmThrottle(),
  vmGuestExec(),
  vmUpdateGecos(),
  buildTemplate(),
  mintNft(),
  detect(),
];

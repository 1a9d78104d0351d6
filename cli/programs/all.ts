import type { Command } from 'commander';
import { buildTemplate } from './build-template.ts';
import { daemon } from './daemon.ts';
import { detect } from './detect.ts';
import { operatorWords } from './operator-words.ts';
import { vmStatus } from './vm-status.ts';

/** Every program, for what is made of their declarations: PROJECT.yaml, man pages, completion. */
export const programs = (): readonly Command[] => [buildTemplate(), daemon(), operatorWords(), vmStatus(), detect()];

import type { Command } from 'commander';
import { daemon } from './daemon.ts';
import { operatorWords } from './operator-words.ts';
import { vmCreate } from './vm-create.ts';
import { vmStatus } from './vm-status.ts';

/** Every program, for what is made of their declarations: PROJECT.yaml, man pages, completion. */
export const programs = (): readonly Command[] => [daemon(), operatorWords(), vmCreate(), vmStatus()];

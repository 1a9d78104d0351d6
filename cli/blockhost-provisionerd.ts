import { daemon } from './programs/daemon.ts';

await daemon().parseAsync();

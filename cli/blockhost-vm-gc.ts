import { vmGc } from './programs/vm-gc.ts';

await vmGc().parseAsync();

import { vmDestroy } from './programs/vm-destroy.ts';

await vmDestroy().parseAsync();

import { vmStart } from './programs/vm-start.ts';

await vmStart().parseAsync();

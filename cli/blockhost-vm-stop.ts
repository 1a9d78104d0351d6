import { vmStop } from './programs/vm-stop.ts';

await vmStop().parseAsync();

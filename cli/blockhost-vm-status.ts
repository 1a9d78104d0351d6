import { vmStatus } from './programs/vm-status.ts';

await vmStatus().parseAsync();

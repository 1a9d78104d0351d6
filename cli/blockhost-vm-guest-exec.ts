import { vmGuestExec } from './programs/vm-guest-exec.ts';

await vmGuestExec().parseAsync();

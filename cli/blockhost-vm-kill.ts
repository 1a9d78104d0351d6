import { vmKill } from './programs/vm-kill.ts';

await vmKill().parseAsync();

import { vmCreate } from './programs/vm-create.ts';

await vmCreate().parseAsync();

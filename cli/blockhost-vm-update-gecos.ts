import { vmUpdateGecos } from './programs/vm-update-gecos.ts';

await vmUpdateGecos().parseAsync();

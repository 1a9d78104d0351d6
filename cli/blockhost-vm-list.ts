import { vmList } from './programs/vm-list.ts';

await vmList().parseAsync();

import { vmThrottle } from './programs/vm-throttle.ts';

await vmThrottle().parseAsync();

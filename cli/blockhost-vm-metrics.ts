import { vmMetrics } from './programs/vm-metrics.ts';

await vmMetrics().parseAsync();

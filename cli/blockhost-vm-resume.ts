import { vmResume } from './programs/vm-resume.ts';

await vmResume().parseAsync();

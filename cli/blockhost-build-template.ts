import { buildTemplate } from './programs/build-template.ts';

await buildTemplate().parseAsync();

import { detect } from './programs/detect.ts';

await detect().parseAsync();

import { operatorWords } from './programs/operator-words.ts';

await operatorWords().parseAsync();

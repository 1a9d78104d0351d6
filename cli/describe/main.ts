// Writes man pages and the completion from the programs' declarations: node describe.mjs <directory>
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { version } from '../../src/host/version.ts';
import { programs } from '../programs/all.ts';
import { bashCompletion } from './completion.ts';
import { manPage, sectionOf } from './man-page.ts';

const directory = process.argv[2] ?? 'dist';
const all = programs();
mkdirSync(join(directory, 'man'), { recursive: true });
mkdirSync(join(directory, 'completion'), { recursive: true });
for (const command of all) {
  const file = join(directory, 'man', `${command.name()}.${sectionOf(command)}`);
  writeFileSync(file, manPage(command, version, all));
}
writeFileSync(join(directory, 'completion', 'blockhost-provisioner'), bashCompletion(all));

// A package whose parts name different versions is not built: node same-version.mjs <version of debian/changelog>

import { readFileSync } from 'node:fs';

const [, , changelog] = process.argv;
for (const file of ['package.json', 'provisioner.json']) {
  const { version } = JSON.parse(readFileSync(file, 'utf8'));
  if (version === changelog) continue;
  console.error(`debian/changelog says version ${changelog}, ${file} says ${version}: make them the same`);
  process.exitCode = 1;
}

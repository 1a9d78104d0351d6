import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { keysTable, projectYaml } from '../support/project-yaml.ts';

const file = (name: string): URL => new URL(`../../${name}`, import.meta.url);
const update = process.env.UPDATE === '1';

it('PROJECT.yaml says what help and configuration say (UPDATE=1 writes it anew)', () => {
  if (update) writeFileSync(file('PROJECT.yaml'), projectYaml());
  expect(readFileSync(file('PROJECT.yaml'), 'utf8')).toBe(projectYaml());
});

it("the README's table of keys is the schema's (UPDATE=1 writes it anew)", () => {
  const wanted = `<!-- keys: begin -->\n${keysTable()}\n<!-- keys: end -->`;
  const block = /<!-- keys: begin -->[\s\S]*<!-- keys: end -->/;
  const text = readFileSync(file('README.md'), 'utf8');
  if (update)
    writeFileSync(
      file('README.md'),
      text.replace(block, () => wanted),
    );
  expect(readFileSync(file('README.md'), 'utf8').match(block)?.[0]).toBe(wanted);
});

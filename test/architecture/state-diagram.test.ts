import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { stateDiagram } from '../support/state-diagram.ts';

const FILE = new URL('../../ARCHITECTURE.md', import.meta.url);
const BLOCK = /```mermaid\nstateDiagram-v2[\s\S]*?```/;

it('the state diagram in ARCHITECTURE.md is the one that the decision table makes (UPDATE=1 writes it anew)', () => {
  const wanted = `\`\`\`mermaid\n${stateDiagram()}\n\`\`\``;
  const text = readFileSync(FILE, 'utf8');
  if (process.env.UPDATE === '1')
    writeFileSync(
      FILE,
      text.replace(BLOCK, () => wanted),
    );
  expect(readFileSync(FILE, 'utf8').match(BLOCK)?.[0]).toBe(wanted);
});

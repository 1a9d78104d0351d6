import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { repositoryPath } from '../../lab/repository.ts';
import { edited } from '../../proof/bundle-with.ts';
import { PLANTS } from '../../proof/plants.ts';

describe('planted faults', () => {
  it.each(PLANTS)('$name: stands in the code as it is', async ({ edits }) => {
    for (const edit of edits) {
      const text = await readFile(repositoryPath(edit.file), 'utf8');
      expect(edited(edit.file, text, [edit])).not.toBe(text);
    }
  });

  it('are refused where the code has changed under them', () => {
    const edit = { file: 'a.ts', find: 'x', put: 'y' };
    expect(edited('a.ts', 'a x b', [edit])).toBe('a y b');
    expect(() => edited('a.ts', 'x x', [edit])).toThrow(/"x" 2 times/);
    expect(() => edited('a.ts', 'z', [edit])).toThrow(/"x" 0 times/);
  });
});

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { substitute } from '../../../../src/domain/cloud-init/substitute.ts';

const script = fileURLToPath(new URL('../../../python/safe_substitute.py', import.meta.url));

/** What Python makes of them, all in one process. */
const inPython = (cases: readonly (readonly [string, Record<string, string>])[]): string[] => {
  const input = cases.map((one) => `${JSON.stringify(one)}\n`).join('');
  const { status, stdout, stderr } = spawnSync('python3', [script], { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => String(JSON.parse(line)));
};

/** Pieces that meet in every order: half placeholders, letters that a careless pattern takes for ASCII, line ends. */
const open = '$'.concat('{');
const piece = fc.oneof(
  fc.constantFrom(
    '$',
    '$$',
    '{',
    '}',
    open,
    'VM_NAME',
    `${open}VM_NAME}`,
    '$VM_NAME',
    '_',
    '9',
    `${open}9}`,
    `${open}}`,
    '\n',
    '\r\n',
  ),
  fc.constantFrom(
    '\\',
    '$&',
    "$'",
    '$1',
    '$<named>',
    'ſ',
    'K',
    'ı',
    'é',
    '$é',
    `${open}VM_NAMEſ}`,
    '$VM_NAMEı',
    '\u0000',
  ),
  fc.string({ maxLength: 4, unit: 'grapheme' }),
);
const template = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));
const values = fc.dictionary(
  fc.constantFrom('VM_NAME', '_', 'a', 'named', 'invalid', 'braced', 'escaped', 'é'),
  fc.oneof(fc.constantFrom('$VM_NAME', `${open}a}`, '$$', '$&', "$'", ''), fc.string({ maxLength: 6 })),
  { maxKeys: 5, noNullPrototype: true },
);

describe('substitute', () => {
  it('replaces names, names in braces and doubled dollars, and keeps what it does not know', () => {
    expect(substitute(`a $x ${open}x} $$x ${open}y} $1 $ ${open} ${open}} $x_`, { x: 'A' })).toBe(
      `a A A $x ${open}y} $1 $ ${open} ${open}} $x_`,
    );
  });

  it('puts values in as they are and never looks at them again', () => {
    expect(substitute('$a-$b', { a: '$b', b: "$&$'$1" })).toBe("$b-$&$'$1");
  });

  it('knows nothing of what objects inherit', () => {
    expect(substitute(`$constructor ${open}toString}`, {})).toBe(`$constructor ${open}toString}`);
  });

  it('is Python’s safe_substitute for 20000 templates', () => {
    const cases = fc.sample(fc.tuple(template, values), { numRuns: 20_000, seed: 20261121 });
    expect(cases.map(([text, map]) => substitute(text, map))).toEqual(inPython(cases));
  });
});

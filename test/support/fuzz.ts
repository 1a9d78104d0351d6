import type { Command } from 'commander';
import fc from 'fast-check';
import { factsOf } from '../../cli/programs/program.ts';

/** Words that somebody may pass who means harm, or whose own program went wrong. */
const HOSTILE = [
  '',
  '-',
  '--',
  '---',
  '--=',
  '-x',
  '--help',
  '--version',
  '--no-such-flag',
  '$(touch pwned)',
  '`touch pwned`',
  '; touch pwned',
  '| sh',
  '&& reboot',
  '"',
  "'",
  '\\',
  'a\nb',
  'a\r\nb: c',
  '\u001b[2J\u001b]0;x\u0007',
  '\u202egnp.exe',
  '\u2028',
  '💥',
  'é',
  '７',
  '../../../etc/passwd',
  '/dev/zero',
  '/proc/self/mem',
  'blockhost-007',
  'Blockhost-007',
  'nosuch machine',
  '<name>',
  '%s%n',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'NaN',
  'Infinity',
  '-1',
  '0',
  '1',
  '007',
  '1e9',
  '0x10',
  ' 7 ',
  '7.5',
  '2h',
  '0s',
  '9'.repeat(400),
  '4294967296',
  '00000000-0000-4000-8000-000000000001',
  `0x${'a1'.repeat(20)}`,
  `0x${'A1'.repeat(20)}`,
  `0x${'0'.repeat(40)}`,
  `0x${'a1'.repeat(19)}`,
  `0x${'ff'.repeat(65)}`,
  'http://user:secret@a.example/x',
  'sha256:00',
] as const;

/** Only flags that a program knows take it further than its first check. */
const flagsOf = (command: Command): readonly string[] => [
  ...command.options.flatMap(({ long }) => (long ? [long] : [])),
  ...command.commands.flatMap((child) => [child.name(), ...flagsOf(child)]),
];

const without = (words: readonly string[], at: number): readonly string[] => words.filter((_, i) => i !== at);

const examplesOf = (command: Command): readonly (readonly string[])[] =>
  factsOf(command).examples.map((line) =>
    (line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).slice(1).map((word) => word.replace(/^["'](.*)["']$/, '$1')),
  );

/** Argument lists for a program: nonsense, and examples of its own with a few words changed. `longest`: of one word. */
export const argvFor = (command: Command, longest: number): fc.Arbitrary<readonly string[]> => {
  const flag = fc.constantFrom('--help', ...flagsOf(command));
  const value = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...HOSTILE) },
    { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', '')) },
    { weight: 2, arbitrary: fc.nat({ max: 100_000 }).map(String) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: longest }).map((length) => 'A'.repeat(length)) },
  );
  const word = fc.oneof(
    { weight: 3, arbitrary: value },
    { weight: 2, arbitrary: flag },
    { weight: 1, arbitrary: fc.tuple(flag, value).map(([name, text]) => `${name}=${text}`) },
  );
  const change = fc.record({ at: fc.nat({ max: 8 }), how: fc.constantFrom('put', 'replace', 'drop', 'keep'), word });
  const changed = fc
    .tuple(fc.constantFrom(...examplesOf(command)), fc.array(change, { maxLength: 3 }))
    .map(([words, changes]) =>
      changes.reduce<readonly string[]>((now, { at, how, word: other }) => {
        if (how === 'put') return [...now.slice(0, at), other, ...now.slice(at)];
        if (how === 'replace') return now.map((old, i) => (i === at ? other : old));
        return how === 'drop' ? without(now, at) : now;
      }, words),
    );
  return fc.oneof({ weight: 2, arbitrary: changed }, { weight: 1, arbitrary: fc.array(word, { maxLength: 6 }) });
};

/** Files: one that is right with some of it cut, doubled or overwritten, and plain nonsense. */
export const spoiled = (right: string): fc.Arbitrary<string> => {
  const junk = fc.oneof(
    fc.constantFrom(...HOSTILE, '{', '}', '[', ']', ':', '- ', '\t', '\n', '&a', '*a', '!!js/function x', '{}', '[]'),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.json({ maxDepth: 2 }),
  );
  const place = fc.nat({ max: right.length });
  const change = fc.record({ at: place, length: fc.nat({ max: 12 }), put: fc.option(junk, { nil: '' }) });
  const changed = fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) =>
      changes.reduce((text, { at, length, put }) => text.slice(0, at) + put + text.slice(at + length), right),
    );
  return fc.oneof(
    { weight: 8, arbitrary: changed },
    { weight: 1, arbitrary: place.map((at) => right.slice(0, at)) },
    { weight: 1, arbitrary: junk },
  );
};

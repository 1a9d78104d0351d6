import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEnvFile } from '../../../src/config/parse-env-file.ts';

const read = (text: string): Record<string, string> => Object.fromEntries(parseEnvFile(text).values);

describe('parseEnvFile', () => {
  it.each([
    ['A=b', { A: 'b' }],
    ['export A=b\r\nB=c', { A: 'b', B: 'c' }],
    ['  A = b # note', { A: 'b' }],
    ['A="b # c"', { A: 'b # c' }],
    ["A='b\"c' # note", { A: 'b"c' }],
    ['A="b\\"c\\\\"', { A: 'b"c\\' }],
    ['A=http://x/#frag', { A: 'http://x/#frag' }],
    ['A=1\nA=2', { A: '2' }],
    ['A=', { A: '' }],
    ['# A=1\n\nnonsense\n1A=2\n=3', {}],
  ])('reads %j', (text, wanted) => {
    expect(read(text)).toEqual(wanted);
  });

  it('expands nothing and runs nothing', () => {
    const text = ['$(reboot)', '`reboot`', '$HOME', '$' + '{HOME}'].join(' ');
    expect(read(`A=${text}\nB="${text}"`)).toEqual({ A: text, B: text });
  });

  it('names what it could not read, unless a later line makes up for it', () => {
    expect([...parseEnvFile('A="x\nB=\'y\nB=z').broken]).toEqual(['A']);
  });

  it('agrees with a shell on whatever a shell takes literally', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9 :/?&=#.@_-]{0,30}$/);
    const quote = fc.constantFrom("'", '"');
    fc.assert(
      fc.property(value, quote, fc.constantFrom('', ' # note'), (text, mark, note) => {
        const line = `A=${mark}${text}${mark}${note}`;
        const shell = execFileSync('/bin/sh', ['-c', `${line}\nprintf %s "$A"`], { encoding: 'utf8' });
        expect(read(line)).toEqual({ A: shell });
      }),
      { numRuns: 40 },
    );
  });

  it('never throws, and finds no name that is not in the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const [name] of parseEnvFile(text).values) expect(text).toContain(name);
      }),
    );
  });
});

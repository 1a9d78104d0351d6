import { describe, expect, it } from 'vitest';
import { readArguments } from '../../proof/arguments.ts';

const ALL = { kind: 'proof', seed: undefined, allPlants: false, soakMs: undefined, sabotaged: false };

describe('the arguments of npm run proof', () => {
  it.each([
    { argv: [], asked: ALL },
    { argv: ['--seed', '7'], asked: { ...ALL, seed: 7 } },
    { argv: ['--all-plants', '--seed', '0'], asked: { ...ALL, seed: 0, allPlants: true } },
    { argv: ['--soak', '20m'], asked: { ...ALL, soakMs: 1_200_000 } },
    { argv: ['--break', '--soak', '40s'], asked: { ...ALL, soakMs: 40_000, sabotaged: true } },
    { argv: ['--soak', '20m', '--help'], asked: { kind: 'help' } },
    { argv: ['-h'], asked: { kind: 'help' } },
  ])('$argv are understood', ({ argv, asked }) => {
    expect(readArguments(argv)).toEqual(asked);
  });

  it.each([
    { argv: ['--soak'], why: /--soak wants a duration/ },
    { argv: ['--soak', '20'], why: /--soak wants a duration/ },
    { argv: ['--soak', '5s'], why: /from 10s on/ },
    { argv: ['--seed', '-1'], why: /--seed wants a whole number/ },
    { argv: ['--seed', '12345678901'], why: /--seed wants a whole number/ },
    { argv: ['--soka', '20m'], why: /--soka is not understood/ },
    { argv: ['--break'], why: /--break wants --soak/ },
    { argv: ['--all-plants', '--soak', '20m'], why: /without any plants/ },
  ])('$argv are refused, in one sentence', ({ argv, why }) => {
    expect(readArguments(argv)).toEqual({ kind: 'wrong', why: expect.stringMatching(why) });
  });
});

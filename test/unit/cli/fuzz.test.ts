import { type Command, CommanderError } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { programs } from '../../../cli/programs/all.ts';
import { type MintArguments, mintRequestOf } from '../../../src/commands/mint.ts';
import { parseCreateRequest, type RawCreateRequest } from '../../../src/domain/create-request.ts';
import { BlockhostError, explain } from '../../../src/domain/errors.ts';
import { changeLimits } from '../../../src/domain/limits.ts';
import { chooseSource, type TemplateFlags } from '../../../src/domain/template-choice.ts';
import { argvFor } from '../../support/fuzz.ts';

/*
 * Command lines of all programs, as far as they go before anything is touched: declarations, and what each command reads
 * its request with. What a program does afterwards is left out here.
 */

const RUNS = 10_000;
const LONGEST = 1_000_000;
const SETTINGS = { image: undefined, suite: undefined, mirror: undefined, packages: [], sizeGib: 20 };
const DEFAULTS = { expiryDays: 30, walletPattern: undefined, engineMints: false };

/** What is read once the declaration is content. */
const REQUESTS: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  'blockhost-vm-create': ([name, options]) =>
    parseCreateRequest({ ...(options as RawCreateRequest), name: name as string }, DEFAULTS),
  'blockhost-mint-nft': ([options]) => mintRequestOf(options as MintArguments),
  'blockhost-build-template': ([options]) => chooseSource(options as TemplateFlags, SETTINGS),
  'blockhost-vm-throttle': ([, options]) => changeLimits({}, options as object, false),
};

interface Outcome {
  readonly kind: 'accepted' | 'told' | 'refused';
  readonly stderr: string;
}

/** Runs the declaration of a program, its actions replaced by the reading of the request. */
const outcomeOf = async (command: Command, argv: readonly string[]): Promise<Outcome> => {
  let stderr = '';
  let accepted = false;
  const prepare = (one: Command): void => {
    const writeErr = (text: string): void => {
      stderr += text;
    };
    one.exitOverride().configureOutput({ writeErr, writeOut: () => undefined });
    if (one.commands.length === 0) {
      one.action((...args: unknown[]) => {
        REQUESTS[command.name()]?.(args);
        accepted = true;
      });
    }
    for (const child of one.commands) prepare(child);
  };
  prepare(command);
  try {
    await command.parseAsync([...argv], { from: 'user' });
    return { kind: accepted ? 'accepted' : 'told', stderr };
  } catch (error) {
    // As a command tells what it refuses.
    if (error instanceof BlockhostError) return { kind: 'refused', stderr: `${command.name()}: ${explain(error)}\n` };
    if (!(error instanceof CommanderError)) throw error;
    return { kind: error.exitCode === 0 ? 'told' : 'refused', stderr };
  }
};

/** One line: from whom, and what is wrong. */
const REFUSAL = /^blockhost-[a-z-]+: [^\n]{3,4700}\n$/;
const ACTS_ON_TERMINAL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe('10,000 command lines that nobody meant', () => {
  const names = programs().map((command) => command.name());
  const one = (name: string): Command => {
    const found = programs().find((command) => command.name() === name);
    if (found === undefined) throw new Error(name);
    return found;
  };

  it.each(names)(
    '%s takes, or refuses with one sentence that acts on no terminal',
    { timeout: 120_000 },
    async (name) => {
      const seen = { accepted: 0, told: 0, refused: 0 };
      await fc.assert(
        fc.asyncProperty(argvFor(one(name), LONGEST), async (argv) => {
          const { kind, stderr } = await outcomeOf(one(name), argv);
          seen[kind] += 1;
          // `blockhost-provisioner` without a word shows its help on stderr.
          if (kind !== 'refused' || stderr.includes('Usage:')) return;
          expect(stderr).toMatch(REFUSAL);
          expect(stderr.replaceAll('\n', '')).not.toMatch(ACTS_ON_TERMINAL);
        }),
        { numRuns: Math.ceil(RUNS / names.length) },
      );
      expect(seen.accepted).toBeGreaterThan(0);
      // They answer whatever they are asked (D4).
      if (!['blockhost-vm-status', 'blockhost-vm-list'].includes(name))
        expect(seen.refused).toBeGreaterThan(RUNS / names.length / 10);
    },
  );
});

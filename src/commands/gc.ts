import { explain } from '../domain/errors.ts';
import type { Policy } from '../domain/policy.ts';
import { openCommandHost } from '../host/open-command-host.ts';
import { syncChain } from '../host/sync-chain.ts';
import { collectGarbage } from '../operations/explicit/gc.ts';
import { createFleet } from '../operations/fleet.ts';
import { mockGc } from '../operations/mock/mock-gc.ts';
import { mockDeps } from './mock.ts';
import { type CommandContext, runCommand } from './run-command.ts';

/** As it was asked for on the command line. */
export interface GcArguments {
  readonly execute: boolean;
  readonly suspend: boolean;
  readonly destroy: boolean;
  readonly graceDays: number | undefined;
  readonly mock: boolean;
}

const DAY_MS = 86_400_000;

const policyFor = (policy: Policy, { graceDays }: GcArguments): Policy =>
  graceDays === undefined ? policy : { ...policy, graceMs: graceDays * DAY_MS };

/** On the host: what has to be seen once before harm may be decided is the same as for the daemon (L6). */
const onHost = async (context: CommandContext, args: GcArguments): Promise<number> => {
  const { clock, log, tell, out, by, stop } = context;
  const config = { ...context.config, policy: policyFor(context.config.policy, args) };
  const waitsFor: string[] = [];
  const host = await openCommandHost({ ...context, config, gateWaitsFor: () => waitsFor });
  try {
    const { deps, journal, chain } = host;
    const doubt = await syncChain({ settings: config.chains, chain, journal, clock, log });
    if (doubt !== undefined) {
      waitsFor.push('the chain');
      tell(`nothing is done while the chain is in doubt: ${doubt}`);
    }
    await deps.records.list().catch((error: unknown) => {
      waitsFor.push('the records');
      tell(`nothing is done while the records cannot be read: ${explain(error)}`);
    });
    const ctx = { deps, fleet: createFleet(deps), by, say: out, warn: tell, stop };
    const done = await collectGarbage(ctx, { ...args, width: config.maxParallelSteps });
    return done ? 0 : 1;
  } finally {
    await host.close();
  }
};

/** `gc` (contract §2, D14, D22). */
export const gc = (args: GcArguments): Promise<void> =>
  runCommand('blockhost-vm-gc', async (context) => {
    if (!args.mock) return onHost(context, args);
    await mockGc(mockDeps(context, policyFor(context.config.policy, args).graceMs), args);
    return 0;
  });

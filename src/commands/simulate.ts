import { readText } from '../config/read-text.ts';
import { ConfigError } from '../domain/errors.ts';
import type { Wanted } from '../simulator/run/rehearse.ts';
import { runCommand } from './run-command.ts';

export interface SimulateOptions {
  readonly histories?: number;
  readonly for?: number;
  readonly seed?: number;
  readonly scenario?: string;
}

const DEFAULT_MS = 60_000;

const wantedBy = async ({ histories, for: forMs, seed, scenario }: SimulateOptions): Promise<Wanted> => {
  if (seed !== undefined) return { kind: 'seed', seed };
  if (scenario === undefined) {
    const otherwise = histories === undefined ? DEFAULT_MS : Number.POSITIVE_INFINITY;
    return { kind: 'many', histories: histories ?? Number.POSITIVE_INFINITY, forMs: forMs ?? otherwise };
  }
  const found = await readText(scenario);
  if (found.kind === 'text') return { kind: 'scenario', file: scenario, text: found.text };
  const why = found.kind === 'absent' ? 'is absent' : found.why;
  throw new ConfigError(`${scenario} ${why}`, { code: 'no-scenario', retryable: false });
};

/**
 * `simulate`: this host's own policy, rehearsed on models of everything; nothing of the host is touched. Exit 1 where a
 * history breaks a rule. The simulator is loaded here and nowhere else.
 */
export const simulate = (options: SimulateOptions): Promise<void> =>
  runCommand('blockhost-provisioner', async ({ config, clock, stop, out, tell }) => {
    const wanted = await wantedBy(options);
    const { rehearse } = await import('../simulator/run/rehearse.ts');
    const { policy, sweepEveryMs } = config;
    return rehearse(wanted, { policy, sweepEveryMs }, { clock, stop, out, tell });
  });

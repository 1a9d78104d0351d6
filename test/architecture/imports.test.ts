import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createCanary, root, runTool } from './tool.ts';

/** For each rule at least one import that it forbids: [rule, file, what the file imports]. */
const FORBIDDEN: readonly (readonly [string, string, string])[] = [
  ['no-circular', 'src/domain/ring-a.ts', './ring-b.ts'],
  ['resolvable', 'src/domain/nowhere.ts', './nothing-here.ts'],
  ['domain-is-pure', 'src/domain/reads.ts', 'node:fs'],
  ['domain-is-pure', 'src/domain/acts.ts', '../drivers/clock/clock.ts'],
  ['ports-are-types', 'src/ports/parses.ts', 'zod'],
  ['operations-use-ports', 'src/operations/acts.ts', '../drivers/clock/clock.ts'],
  ['operations-use-ports', 'src/operations/reads.ts', 'node:fs'],
  ['operations-use-ports', 'src/operations/streams.ts', '../../streams/plain.ts'],
  ['streams-use-ports', 'streams/reads.ts', 'node:fs'],
  ['streams-use-ports', 'streams/acts.ts', '../src/operations/plain.ts'],
  ['drivers-stand-alone', 'src/drivers/virsh/times.ts', '../clock/clock.ts'],
  ['drivers-stand-alone', 'src/drivers/virsh/acts.ts', '../../operations/plain.ts'],
  ['builder-on-virsh', 'src/drivers/builder/times.ts', '../clock/clock.ts'],
  ['builder-on-virsh', 'src/drivers/builder/acts.ts', '../../operations/plain.ts'],
  ['config-reads-files', 'src/config/acts.ts', '../operations/plain.ts'],
  ['config-reads-files', 'src/config/runs.ts', 'execa'],
  ['cli-calls-operations', 'cli/blockhost-vm-list.ts', '../src/daemon/plain.ts'],
  ['cli-calls-operations', 'cli/programs/vm-list.ts', '../../streams/plain.ts'],
  ['commands-use-hosts', 'src/commands/signs.ts', 'ethers'],
  ['commands-are-for-cli', 'src/host/commands.ts', '../commands/plain.ts'],
  ['nobody-imports-programs', 'src/drivers/clock/daemon.ts', '../../daemon/plain.ts'],
  ['simulator-on-models', 'src/simulator/runs.ts', 'execa'],
  ['simulator-on-models', 'src/simulator/acts.ts', '../host/plain.ts'],
  ['simulator-stands-apart', 'src/daemon/plays.ts', '../simulator/plain.ts'],
  ['abi-for-the-chain', 'src/daemon/abi.ts', '../../contracts-abi/plain.ts'],
  ['viem-reads', 'src/daemon/viem.ts', 'viem'],
  ['ethers-signs', 'src/drivers/chain/ethers.ts', 'ethers'],
  ['execa-in-drivers', 'src/daemon/execa.ts', 'execa'],
  ['pino-in-the-log', 'src/daemon/pino.ts', 'pino'],
  ['rxjs-in-streams', 'src/drivers/clock/rxjs.ts', 'rxjs'],
  ['cron-in-the-calendar', 'src/drivers/clock/cron.ts', 'node-cron'],
  ['processes-through-execa', 'src/daemon/child.ts', 'node:child_process'],
  ['timers-in-the-clock', 'src/daemon/timers.ts', 'node:timers/promises'],
];

/** What has to stay allowed, or the rules would forbid the program. */
const ALLOWED: readonly (readonly [string, string])[] = [
  ['src/domain/schema.ts', 'zod'],
  ['src/ports/words.ts', '../domain/plain.ts'],
  ['src/operations/words.ts', '../ports/plain.ts'],
  ['streams/composes.ts', 'rxjs'],
  ['src/daemon/composes.ts', 'rxjs'],
  ['src/daemon/starts.ts', '../drivers/clock/clock.ts'],
  ['src/drivers/chain/reads.ts', 'viem'],
  ['src/simulator/starts.ts', '../daemon/plain.ts'],
  ['src/simulator/models/hashes.ts', 'viem'],
  ['src/commands/simulate.ts', '../simulator/plain.ts'],
  ['src/drivers/chain/decodes.ts', '../../../contracts-abi/plain.ts'],
  ['src/drivers/signer/signs.ts', 'ethers'],
  ['src/drivers/virsh/writes.ts', '../files/plain.ts'],
  ['src/drivers/virsh/runs.ts', 'execa'],
  ['src/drivers/builder/asks.ts', '../virsh/runs.ts'],
  ['src/drivers/lock/spawns.ts', 'node:child_process'],
  ['src/drivers/clock/waits.ts', 'node:timers/promises'],
  ['cli/blockhost-vm-stop.ts', '../src/operations/plain.ts'],
  ['cli/blockhost-provisionerd.ts', '../src/daemon/plain.ts'],
  ['cli/programs/daemon.ts', '../../src/daemon/plain.ts'],
];

const importing = (target: string): string => `import * as it from '${target}';\nexport const used = it;\n`;
const PLAIN = [
  'src/domain',
  'src/ports',
  'src/operations',
  'src/commands',
  'src/daemon',
  'src/drivers/files',
  'src/host',
  'src/simulator',
  'streams',
  'contracts-abi',
];

const canary = createCanary(
  {
    ...Object.fromEntries(PLAIN.map((folder) => [`${folder}/plain.ts`, 'export const plain = 1;\n'])),
    'src/drivers/clock/clock.ts': 'export const clock = 1;\n',
    'src/domain/ring-b.ts': importing('./ring-a.ts'),
    ...Object.fromEntries(FORBIDDEN.map(([, file, target]) => [file, importing(target)])),
    ...Object.fromEntries(ALLOWED.map(([file, target]) => [file, importing(target)])),
  },
  ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json'],
);
afterAll(canary.remove);

interface Report {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

const cruise = (cwd: string): { exitCode: number | null; report: Report['summary'] } => {
  const { exitCode, output } = runTool('depcruise', ['src', 'streams', 'cli', '--output-type', 'json'], cwd);
  return { exitCode, report: (JSON.parse(output) as Report).summary };
};

describe('dependency-cruiser', () => {
  const { report } = cruise(canary.dir);
  const broken = report.violations.map(({ rule, from }) => `${rule.name}: ${from}`);

  it.each(FORBIDDEN)('can fail: %s forbids %s to import %s', (rule, file) => {
    expect(broken).toContain(`${rule}: ${file}`);
  });

  it.each(ALLOWED)('lets %s import %s', (file) => {
    expect(broken.filter((line) => line.endsWith(`: ${file}`))).toEqual([]);
  });

  it('has no rule without a canary', async () => {
    const module: { default: { forbidden: { name: string }[] } } = await import(join(root, '.dependency-cruiser.mjs'));
    const rules = module.default.forbidden.map(({ name }) => name);
    expect(new Set(FORBIDDEN.map(([rule]) => rule))).toEqual(new Set(rules));
  });

  it('says so with its exit code, as `npm run check` calls it', () => {
    expect(runTool('depcruise', ['src', 'streams', 'cli'], canary.dir).exitCode).toBeGreaterThan(0);
  });

  it('really looks at the tree: an unfit compiler would make it see nothing and find no fault', () => {
    expect(cruise(root).report.totalCruised).toBeGreaterThan(150);
  });
});

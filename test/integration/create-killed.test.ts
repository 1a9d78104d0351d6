import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildCommandProcess, type CommandProcess, CRASH_SEED, sampleOf, traceIn } from './crash-points.ts';

/*
 * Real processes with the real journal, locks and records kill themselves (SIGKILL) before and after each effect of a
 * create; the host's domains and disks are files. The next process finds all of the machine, or leaves nothing of it.
 */

/** Without FULL=1, so many points. */
const SAMPLE = 8;

let command: CommandProcess;
let dir: string;

beforeAll(async () => {
  command = await buildCommandProcess();
});
afterAll(() => command.remove());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'create-host-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const run = (...argv: readonly string[]) => command.run([dir, ...argv]);
const create = (name: string, at = 0, when = '') => run('create', name, String(at), when);
const look = async (name: string) => {
  const { stdout, stderr } = await run('daemon', name);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
};

const NOTHING = {
  machines: [],
  domains: [],
  records: [],
  tokens: [],
  files: [],
  routes: [],
  allocated: { ipv4: [], ipv6: [] },
};
const all = (name: string, token: number) => ({
  machines: [{ vm: name, phase: 'present', failures: {} }],
  domains: [{ vm: name, run: 'running' }],
  records: [{ vm: name, status: 'active', ipAddress: '192.168.122.2' }],
  tokens: [token],
  files: [`cloud-init/${name}`, `cloud-init/${name}/seed.iso`, `${name}.qcow2`],
  routes: ['2001:db8::3'],
  allocated: { ipv4: ['192.168.122.2'], ipv6: ['2001:db8::3'] },
});

describe('a create of real processes', () => {
  it('killed before or after any of its effects is all or nothing, and can be had again (L4)', {
    timeout: 300_000,
  }, async () => {
    expect((await create('testbox')).exitCode).toBe(0);
    const trace = await traceIn(dir);
    expect(await look('testbox')).toEqual(all('testbox', 42));
    const every = trace.flatMap((_, i) => (['before', 'after'] as const).map((when) => ({ at: i + 1, when })));
    const points = sampleOf(every, SAMPLE);
    const verdicts = { all: 0, nothing: 0 };
    for (const { at, when } of points) {
      await rm(dir, { recursive: true, force: true });
      dir = await mkdtemp(join(tmpdir(), 'create-host-'));
      expect((await create('testbox', at, when)).signal).toBe('SIGKILL');
      const found = await look('testbox');
      const committed = found.machines.length > 0;
      const where = `${when} ${trace[at - 1]} (${at}), CRASH_SEED=${CRASH_SEED}`;
      if (committed) expect([1, 42], where).toContain(found.tokens[0]);
      expect(found, where).toEqual(committed ? all('testbox', found.tokens[0]) : NOTHING);
      verdicts[committed ? 'all' : 'nothing'] += 1;
      const again = await create('testbox');
      expect(again.exitCode, where).toBe(committed ? 1 : 0);
      expect(again.stdout === '', where).toBe(committed);
    }
    const drawn = points.length === every.length ? '' : ` (of ${every.length})`;
    console.info(
      `command create: crash points: ${points.length}/${points.length} converge${drawn}, ${JSON.stringify(verdicts)}`,
    );
    expect(points).toHaveLength(process.env.FULL ? every.length : SAMPLE);
    // Up to its commit, the second word in the journal, it is nothing; from there on it is all.
    const commit = trace.indexOf('journal.append', trace.indexOf('journal.append') + 1) + 1;
    const whole = points.filter(({ at, when }) => at > commit || (at === commit && when === 'after'));
    expect(verdicts).toEqual({ all: whole.length, nothing: points.length - whole.length });
  });

  it('at once share nothing (L2)', { timeout: 120_000 }, async () => {
    const names = Array.from({ length: 8 }, (_, i) => `box-${i}`);
    const results = await Promise.all(names.map((name) => create(name)));
    expect(results.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(names.map(() => [0, '']));
    const answers = results.map(({ stdout }) => JSON.parse(stdout));
    expect(new Set(answers.map(({ ipv4 }) => ipv4)).size).toBe(8);
    expect(new Set(answers.map(({ ipv6 }) => ipv6)).size).toBe(8);
    const { records, allocated } = await look('box-0');
    expect(records).toHaveLength(8);
    expect(allocated.ipv4).toHaveLength(8);
  });
});

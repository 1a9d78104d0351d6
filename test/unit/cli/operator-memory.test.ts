import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPaths } from '../../../src/config/paths.ts';
import { decide } from '../../../src/domain/decide.ts';
import { known } from '../../../src/domain/fact.ts';
import type { JournalEvent } from '../../../src/domain/journal/event.ts';
import { DEFAULT_POLICY } from '../../../src/domain/policy.ts';
import { createSystemClock } from '../../../src/drivers/clock/system-clock.ts';
import { openOurJournal } from '../../../src/host/open-journal.ts';
import { createModelLog } from '../../models/model-log.ts';
import {
  EXAMPLE_UUID,
  exampleDomain,
  exampleMemory,
  exampleObservation,
  exampleView,
  quiet,
} from '../../support/example-observation.ts';
import { bundle, type Ended, run } from './bundled.ts';

const VM = 'blockhost-007';
const KNOWN: JournalEvent = {
  kind: 'machine-known',
  uuid: EXAMPLE_UUID,
  name: VM,
  machineClass: exampleMemory.machineClass,
  details: exampleMemory.details,
  how: 'a test',
};

/** A machine whose time is over is asked to shut down: what the daemon writes before it does. */
const suspension = (): Extract<JournalEvent, { kind: 'intent' }> => {
  const facts = exampleObservation(exampleView(quiet({ expiresIn: -3600, lag: 5 })), { domain: known(exampleDomain) });
  const plan = decide(facts, DEFAULT_POLICY);
  if (plan.step === undefined) throw new Error(`nothing is done: ${plan.row}`);
  const warrant = { code: '0.0.9', policy: DEFAULT_POLICY, facts };
  return { kind: 'intent', uuid: EXAMPLE_UUID, step: plan.step.do, harm: 'suspend', basis: plan.basis, warrant };
};
const DONE: JournalEvent = { kind: 'outcome', uuid: EXAMPLE_UUID, step: 'request-shutdown', ok: true, durationMs: 12 };

let directory = '';
let program = '';
let root = '';
let file = '';

const write = async (...batches: readonly (readonly JournalEvent[] | 'compact')[]): Promise<void> => {
  const paths = createPaths({ BLOCKHOST_ROOT: root });
  const journal = await openOurJournal({ paths, clock: createSystemClock(), log: createModelLog() });
  for (const batch of batches) await (batch === 'compact' ? journal.compact() : journal.append(batch));
  await journal.close();
};
const ask = (...argv: string[]): Promise<Ended> => run(program, argv, { BLOCKHOST_ROOT: root });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'memory-'));
  program = await bundle(directory, { path: 'cli/blockhost-provisioner.ts' });
});
beforeEach(async () => {
  root = await mkdtemp(join(directory, 'root-'));
  file = createPaths({ BLOCKHOST_ROOT: root }).journal;
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('verify', () => {
  it('finds a journal whole, through its compaction', async () => {
    await write([KNOWN], [suspension(), DONE], 'compact', [DONE]);
    const { code, stdout, stderr } = await ask('verify');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^files: .*journal\S*\.1, .*\nentries: 1 to 4, events: 4\nhead: [0-9a-f]{32} .*\nwhole\n$/);
  });

  it.each<[string, (text: string) => string, RegExp]>([
    ['a changed word', (text) => text.replace('a test', 'a tesT'), /line 2: it does not follow the line before/],
    [
      'a line that was taken out',
      (text) =>
        text
          .split('\n')
          .filter((_, at) => at !== 1)
          .join('\n'),
      /line 2: entry 2 is wanted, entry 3/,
    ],
    ['what is no JSON', (text) => text.replace('{', '['), /line 1: it is not JSON/],
    ['a kind that nobody knows', (text) => text.replaceAll('"outcome"', '"omen"'), /does not know an event.*omen/],
  ])('names %s, and exits 1', async (_, change, problem) => {
    await write([KNOWN], [suspension()], [DONE]);
    await writeFile(file, change(await readFile(file, 'utf8')));
    const { code, stdout, stderr } = await ask('verify');
    expect(code).toBe(1);
    expect(stderr).toMatch(problem);
    expect(stdout).toMatch(/\ndamaged: \d\n$/);
  });

  it('finds a compaction that changed the past', async () => {
    await write([KNOWN], [suspension(), DONE], 'compact');
    await writeFile(file, (await readFile(file, 'utf8')).replace(`"name":"${VM}"`, '"name":"other"'));
    const { code, stderr } = await ask('verify');
    expect(code).toBe(1);
    expect(stderr).toMatch(/line 1: the snapshot is not what the entries before it add up to/);
  });

  it('takes a file by name, tells of a torn end, and of no journal at all', async () => {
    expect(await ask('verify')).toMatchObject({ code: 0, stderr: expect.stringMatching(/no journal yet/) });
    await write([KNOWN]);
    const copy = join(dirname(file), 'copy');
    await copyFile(file, copy);
    await writeFile(copy, `${await readFile(copy, 'utf8')}{"seq":2`);
    expect(await ask('verify', copy)).toMatchObject({ code: 0, stdout: expect.stringMatching(/torn: 8 bytes/) });
  });
});

describe('replay', () => {
  it('finds nothing to tell where this version decides as the one before did', async () => {
    await write([KNOWN], [suspension(), DONE]);
    const { code, stdout } = await ask('replay');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1 steps decided again, 0 differently\n' });
  });

  it('lists a step that would not be taken, and exits 1', async () => {
    const event = suspension();
    const facts = exampleObservation(exampleView(quiet({ expiresIn: 3600, lag: 5 })), { domain: known(exampleDomain) });
    await write([KNOWN], [{ ...event, warrant: { code: '0.0.9', policy: DEFAULT_POLICY, facts } }]);
    const { code, stdout } = await ask('replay');
    expect(code).toBe(1);
    expect(stdout).toMatch(/\[2\] blockhost-007: 0\.0\.9 decided request-shutdown \(expired-running\); now nothing \(/);
    expect(stdout).toMatch(/1 steps decided again, 1 differently\n$/);
  });

  it('tells how many it could not read, as facts of another version', async () => {
    await write([KNOWN], [{ ...suspension(), warrant: { code: '9' } }]);
    expect(await ask('replay')).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/1 entries of another version/),
    });
  });
});

describe('why', () => {
  it('tells in plain words what was done and what it rested on', async () => {
    await write(
      [KNOWN],
      [suspension(), DONE],
      [{ kind: 'protect', uuid: EXAMPLE_UUID, reason: 'legal hold', by: 'root', untilUnixMs: undefined }],
    );
    const { code, stdout, stderr } = await ask('why', VM);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const words of [
      /^blockhost-007 \(00000000-0000-4000-8000-000000000007\)\n {2}present\n {2}bound to subscription 7 of 0xa1.* on chain 1/,
      /\nwhose word is in force\n {2}protected by root: legal hold\n/,
      /\[2\] request-shutdown: over at head, safe and by the wall clock; first request \(row expired-running\)\n/,
      /\[2\] request-shutdown: done in 12 ms\n/,
      /\nwhat request-shutdown of entry 2 rested on\n {2}at 2027-01-15T08:00:00Z by the wall clock; domain running, record absent\n/,
      /\n {2}at finalized: paid until 2027-01-15T07:00:00Z \(block 100 0x64 of 2027-01-15T07:59:55Z\)\n/,
      /\n {2}decided by version 0\.0\.9 under policy 1\n$/,
    ])
      expect(stdout).toMatch(words);
  });

  it('refuses a machine that nobody knows in a sentence', async () => {
    await write([KNOWN]);
    const { code, stdout, stderr } = await ask('why', 'blockhost-999');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^blockhost-provisioner: no machine "blockhost-999" is known here; .*\n$/);
  });
});

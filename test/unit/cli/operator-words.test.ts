import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPaths } from '../../../src/config/paths.ts';
import type { JournalEvent } from '../../../src/domain/journal/event.ts';
import type { JournalState } from '../../../src/domain/journal/memory.ts';
import { createSystemClock } from '../../../src/drivers/clock/system-clock.ts';
import { openOurJournal } from '../../../src/host/open-journal.ts';
import { createModelLog } from '../../models/model-log.ts';
import { bundle, type Ended, run } from './bundled.ts';

const UUID = '00000000-0000-4000-8000-000000000007';
const VM = 'blockhost-007';
const KNOWN: JournalEvent = {
  kind: 'machine-known',
  uuid: UUID,
  name: VM,
  machineClass: { kind: 'record-only' },
  details: {
    ipAddress: '192.0.2.7',
    ipv6Address: '',
    owner: '5n',
    username: 'customer',
    createdAtUnix: 1n,
    nftMinted: false,
    disks: [],
    seeds: [],
  },
  how: 'test',
};

let directory = '';
let program = '';
let root = '';

const withJournal = async <T>(
  body: (journal: Awaited<ReturnType<typeof openOurJournal>>) => Promise<T>,
): Promise<T> => {
  const paths = createPaths({ BLOCKHOST_ROOT: root });
  const journal = await openOurJournal({ paths, clock: createSystemClock(), log: createModelLog() });
  try {
    return await body(journal);
  } finally {
    await journal.close();
  }
};
const write = (...events: JournalEvent[]): Promise<JournalState> => withJournal((journal) => journal.append(events));
const state = (): Promise<JournalState> => withJournal((journal) => journal.refresh());
const say = (...argv: string[]): Promise<Ended> => run(program, argv, { BLOCKHOST_ROOT: root });

const refusal = ({ code, stdout, stderr }: Ended): string => {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).not.toMatch(/\n\s+at /);
  return stderr;
};
const oneLine = (ended: Ended): string => {
  const stderr = refusal(ended);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  return stderr;
};

describe('blockhost-provisioner as a process (D17)', () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'operator-words-'));
    program = await bundle(directory, { path: 'cli/blockhost-provisioner.ts' });
  }, 60_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  beforeEach(async () => {
    root = await mkdtemp(join(directory, 'root-'));
    await mkdir(join(root, 'var/lib/blockhost/provisioner'), { recursive: true });
    await write(KNOWN);
  });

  it('explains itself, on stdout, and ends with 0', async () => {
    const { code, stdout, stderr } = await say('--help');
    expect([code, stderr]).toEqual([0, '']);
    for (const word of ['hold', 'release', 'protect', 'unprotect', 'ack', 'Exit status'])
      expect(stdout).toContain(word);
  });

  it('writes a hold with its end, its reason and who spoke, and a release takes it back', async () => {
    const before = Date.now();
    expect(await say('hold', VM, '--for', '2h', '--reason', 'moving its disk')).toMatchObject({ code: 0, stdout: '' });
    const { hold } = (await state()).machines[UUID] ?? {};
    expect(hold).toMatchObject({ reason: 'moving its disk' });
    expect(hold?.by).not.toBe('');
    expect((hold?.untilUnixMs ?? 0) - before).toBeGreaterThanOrEqual(7_200_000);
    expect((hold?.untilUnixMs ?? 0) - before).toBeLessThan(7_260_000);
    expect(await say('release', UUID)).toMatchObject({ code: 0 });
    expect((await state()).machines[UUID]?.hold).toBeUndefined();
  });

  it('protects for ever or for a while, and unprotects', async () => {
    expect(await say('protect', VM)).toMatchObject({ code: 0 });
    expect((await state()).machines[UUID]?.protect).toMatchObject({ reason: 'no reason given' });
    expect((await state()).machines[UUID]?.protect?.untilUnixMs).toBeUndefined();
    expect(await say('protect', VM, '--for', '7d')).toMatchObject({ code: 0 });
    expect((await state()).machines[UUID]?.protect?.untilUnixMs).toBeGreaterThan(Date.now());
    expect(await say('unprotect', VM)).toMatchObject({ code: 0 });
    expect((await state()).machines[UUID]?.protect).toBeUndefined();
  });

  it.each(['2', '-2h', '0', '0s', 'soon', '99999d', '1h30m', ''])(
    'refuses the duration %j and says what it wants',
    async (text) => {
      expect(refusal(await say('hold', VM, `--for=${text}`))).toMatch(/wants a duration such as 90s, 15m, 24h or 7d/);
      expect((await state()).machines[UUID]?.hold).toBeUndefined();
    },
  );

  it.each([
    ['hold', VM],
    ['hold'],
    ['sing', VM],
    ['release'],
    ['ack'],
    ['release', VM, 'and-more'],
    ['hold', VM, '--for', '1h', '--forever'],
    ['protect', ''],
    ['release', 'a\nb\u001b[2J'],
  ])('refuses %j %j', async (...argv) => {
    expect(refusal(await say(...argv.map(String)))).toMatch(
      /^blockhost-provisioner: [^\n]+ \(--help shows what is wanted\)\n$/,
    );
  });

  it.each([
    ['hold', 'blockhost-999', '--for', '1h'],
    ['release', 'blockhost-999'],
    ['unprotect', 'constructor'],
    ['ack', 'blockhost-999'],
    ['ack', 'constructor'],
    ['ack', '__proto__'],
    ['ack', 'breaker'],
  ])('says in one line that it knows no such machine: %s %s', async (...argv) => {
    expect(oneLine(await say(...argv))).toContain('is known here');
  });

  it.each(['clock', 'breaker:suspend', 'breaker:destroy', VM])(
    'says in one line that there is nothing to acknowledge: ack %s (L10)',
    async (what) => {
      const text = await readFile(createPaths({ BLOCKHOST_ROOT: root }).journal, 'utf8');
      expect(oneLine(await say('ack', what))).toContain('nothing to acknowledge');
      expect(await readFile(createPaths({ BLOCKHOST_ROOT: root }).journal, 'utf8')).toBe(text);
    },
  );

  it('acknowledges one alarm once (L10)', async () => {
    await write(
      { kind: 'breaker-tripped', harm: 'suspend', reason: 'many' },
      { kind: 'clock-jumped', byMs: 10_800_000 },
    );
    await write({
      kind: 'outcome',
      uuid: UUID,
      step: 'restore',
      ok: false,
      durationMs: 1,
      error: 'a clash',
      curable: false,
    });
    for (const what of ['breaker:suspend', 'clock', VM]) expect(await say('ack', what)).toMatchObject({ code: 0 });
    expect(await state()).toMatchObject({ breaker: {}, machines: { [UUID]: { failures: {} } } });
    expect((await state()).clockDoubt).toBeUndefined();
    for (const what of ['breaker:suspend', 'clock', VM]) oneLine(await say('ack', what));
  });

  it('says in one line what is wrong with a journal that is damaged, and leaves it as it is', async () => {
    const { journal } = createPaths({ BLOCKHOST_ROOT: root });
    await writeFile(journal, 'not a journal\n{}\n');
    expect(oneLine(await say('release', VM))).toContain(journal);
    expect(await readFile(journal, 'utf8')).toBe('not a journal\n{}\n');
  });

  it('says in one line that nothing is known on a host where no daemon has run', async () => {
    root = await mkdtemp(join(directory, 'empty-'));
    expect(oneLine(await say('release', VM))).toContain('is known here');
  });

  it('refuses a root that is no absolute path', async () => {
    root = 'somewhere';
    expect(oneLine(await say('release', VM))).toContain('BLOCKHOST_ROOT');
  });
});

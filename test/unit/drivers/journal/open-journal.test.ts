import {
  appendFile,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hashLine } from '../../../../src/drivers/journal/journal-line.ts';
import { type EntryJournal, entry, openEntries } from '../../../models/entry-journal.ts';
import { createModelLog } from '../../../models/model-log.ts';

let dir: string;
let path: string;
const opened: EntryJournal[] = [];

const open: typeof openEntries = async (file, more) => {
  const journal = await openEntries(file, more);
  opened.push(journal);
  return journal;
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'journal-'));
  path = join(dir, 'journal.ndjson');
});
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  await rm(dir, { recursive: true, force: true });
});

/** A journal of three batches of two, two and one entries. */
const writeThree = async (): Promise<void> => {
  const journal = await openEntries(path);
  await journal.append([entry('a', 1), entry('a', 2)]);
  await journal.append([entry('b', 1), entry('b', 2)]);
  await journal.append([entry('c', 1)]);
  await journal.close();
};
const threePrefixes = [[], ['a1', 'a2'], ['a1', 'a2', 'b1', 'b2'], ['a1', 'a2', 'b1', 'b2', 'c1']];
const lines = async (): Promise<string[]> => (await readFile(path, 'utf8')).trimEnd().split('\n');

describe('a journal', () => {
  it('is empty before its first append, and makes no file to be read', async () => {
    const journal = await open(path);
    expect(journal.state()).toEqual([]);
    expect(await journal.refresh()).toEqual([]);
    expect(await readdir(dir)).toEqual([]);
  });

  it('gives back what was appended, also after closing, and stays out of the way of the world (D26)', async () => {
    await writeThree();
    const journal = await open(path);
    expect(journal.state()).toEqual(threePrefixes[3]);
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    expect(journal.health()).toEqual({ writable: { known: true, value: true } });
  });

  it('writes lines that are a hash chain', async () => {
    await writeThree();
    const all = await lines();
    const parsed = all.map((line) => JSON.parse(line));
    expect(parsed.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(parsed.map(({ prev }) => prev)).toEqual([
      '0'.repeat(32),
      ...all.slice(0, 2).map((line) => hashLine(Buffer.from(line))),
    ]);
    expect(Object.keys(parsed[0])).toEqual(['seq', 'at', 'prev', 'events']);
  });

  it('keeps appends in the order of their calls, with few writes', async () => {
    const journal = await open(path);
    const states = await Promise.all(Array.from({ length: 50 }, (_, n) => journal.append([entry('x', n)])));
    expect(states.map((state) => state.length)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect(journal.state()).toEqual(Array.from({ length: 50 }, (_, n) => `x${n}`));
  });

  it('shows the state to whoever looks as soon as the append is over', async () => {
    const journal = await open(path);
    await journal.append([entry('a', 1)]).then(() => expect(journal.state()).toEqual(['a1']));
  });

  it('resolves an empty batch without writing', async () => {
    const journal = await open(path);
    expect(await journal.append([])).toEqual([]);
    expect(await readdir(dir)).toEqual([]);
  });

  it('refuses a batch that could not be read again, alone', async () => {
    const journal = await open(path, {
      encode: ({ who, n }) => ({ kind: who === 'bad' ? 'nonsense' : 'entry', who, n: `${n}` }),
    });
    const [good, bad, after] = await Promise.allSettled([
      journal.append([entry('a', 1)]),
      journal.append([entry('b', 1), entry('bad', 1)]),
      journal.append([entry('c', 1)]),
    ]);
    expect([good.status, bad.status, after.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await (await open(path)).refresh()).toEqual(['a1', 'c1']);
  });

  it('refuses everything after close, and remembers what it knew', async () => {
    const journal = await openEntries(path);
    await journal.append([entry('a', 1)]);
    await journal.close();
    await journal.close();
    expect(journal.state()).toEqual(['a1']);
    await expect(journal.append([entry('a', 2)])).rejects.toMatchObject({ code: 'journal-closed' });
    await expect(journal.refresh()).rejects.toMatchObject({ code: 'journal-closed' });
  });
});

describe('two openers of one journal', () => {
  it('see what the other appended, and interleave into one chain', async () => {
    const [one, two] = [await open(path), await open(path)];
    await one.append([entry('a', 1)]);
    expect(await two.refresh()).toEqual(['a1']);
    await Promise.all(
      [one, two].flatMap((journal, w) => Array.from({ length: 20 }, (_, n) => journal.append([entry(`w${w}-`, n)]))),
    );
    expect((await one.refresh()).length).toBe(41);
    expect(await two.refresh()).toEqual(await one.refresh());
    expect((await open(path)).state()).toEqual(one.state());
  });

  it('hear of each other, and of nothing that they wrote themselves', async () => {
    const [one, two] = [await open(path), await open(path)];
    const heard = vi.fn();
    const stop = two.onOthers(heard);
    await two.append([entry('b', 1)]);
    await one.append([entry('a', 1)]);
    await vi.waitFor(() => expect(heard.mock.calls).toEqual([[['b1'], ['b1', 'a1']]]));
    await one.append([entry('a', 2)]);
    await two.append([entry('b', 2)]);
    await vi.waitFor(() =>
      expect(heard.mock.calls.slice(1)).toEqual([
        [
          ['b1', 'a1'],
          ['b1', 'a1', 'a2'],
        ],
      ]),
    );
    stop();
    await one.append([entry('a', 3)]);
    await two.refresh();
    expect(heard).toHaveBeenCalledTimes(2);
  });

  it('follow each other through compaction', async () => {
    const [one, two] = [await open(path), await open(path)];
    await one.append([entry('a', 1)]);
    await two.append([entry('b', 1)]);
    await one.compact();
    expect(await two.refresh()).toEqual(['a1', 'b1']);
    await two.append([entry('b', 2)]);
    await two.compact();
    await two.compact();
    expect(await one.append([entry('a', 2)])).toEqual(['a1', 'b1', 'b2', 'a2']);
    expect(Object.keys(JSON.parse((await lines())[0] ?? ''))).toEqual(['seq', 'at', 'prev', 'snapshot']);
  });
});

describe('a torn last line', () => {
  it('leaves, wherever the file was cut, exactly the batches before the cut, never half of one', async () => {
    await writeThree();
    const whole = await readFile(path);
    const ends = [0, ...[...whole.keys()].filter((at) => whole[at] === 0x0a).map((at) => at + 1)];
    for (let length = 0; length <= whole.length; length += 1) {
      await writeFile(path, whole.subarray(0, length));
      const log = createModelLog();
      const journal = await openEntries(path, { log });
      const batches = ends.filter((end) => end <= length).length - 1;
      expect(journal.state()).toEqual(threePrefixes[batches]);
      // Appending costs a child process; all cuts within one line are the same to it but for the first and the last.
      if (ends.some((end) => Math.abs(end - length) < 2)) {
        expect(await journal.append([entry('z', 1)])).toEqual([...(threePrefixes[batches] ?? []), 'z1']);
        expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(ends.includes(length) ? 0 : 1);
        expect((await open(path)).state()).toEqual(journal.state());
      }
      await journal.close();
    }
  }, 30_000);

  it('is told by NULs, too, which a power cut leaves in place of data', async () => {
    await writeThree();
    await appendFile(path, Buffer.from('\0\0\0\0"events":[]}\n'));
    const journal = await open(path);
    expect(journal.state()).toEqual(threePrefixes[3]);
    expect(await journal.append([entry('z', 1)])).toHaveLength(6);
  });

  it('is waited for by readers: it may be a write under way', async () => {
    await writeThree();
    const whole = await readFile(path);
    await truncate(path, whole.length - 5);
    const reader = await open(path);
    expect(reader.state()).toEqual(threePrefixes[2]);
    await writeFile(path, whole);
    expect(await reader.refresh()).toEqual(threePrefixes[3]);
  });
});

describe('damage in the middle', () => {
  const damage: readonly (readonly [string, (all: string[]) => string[], RegExp])[] = [
    ['a changed value', ([a = '', ...rest]) => [a.replace('"a"', '"b"'), ...rest], /line 2: it does not follow/],
    ['a line lost', ([a = '', , c = '']) => [a, c], /line 2: entry 2 is wanted, entry 3 is there/],
    ['the first line lost', ([, ...rest]) => rest, /line 1: entry 1 is wanted/],
    ['a line twice', ([a = '', ...rest]) => [a, a, ...rest], /line 2: entry 2 is wanted/],
    ['half a line', ([a = '', b = '', c = '']) => [a, b.slice(0, 40), c], /line 2: it is not JSON/],
    ['another JSON', ([a = '', , c = '']) => [a, '{"seq":2}', c], /line 2: this is no line that this version writes/],
    ['NULs', ([a = '', b = '', c = '']) => [a, `\0${b}`, c], /line 2: it is not JSON/],
    ['a last line of nonsense', ([a = '', b = '']) => [a, b, 'nonsense'], /line 3: it is not JSON/],
    [
      'an event of a newer version',
      ([a = '', b = '', c = '']) => [a, b, c.replace('"kind":"entry"', '"kind":"teleported"')],
      /line 3: an event of the kind "teleported" is not known here/,
    ],
    [
      'a line of a newer version',
      ([a = '', b = '', c = '']) => [a, b, c.replace('"events"', '"v":2,"events"')],
      /line 3: this is no line that this version writes/,
    ],
  ];

  it.each(damage)('%s is an error that names the line, and changes nothing', async (_what, change, message) => {
    await writeThree();
    const running = await open(path);
    const text = `${change(await lines()).join('\n')}\n`;
    await writeFile(path, text);
    await expect(open(path)).rejects.toMatchObject({
      name: 'JournalError',
      retryable: false,
      message: expect.stringMatching(message),
    });
    await running.append([entry('z', 1)]).catch(() => undefined);
    expect((await readFile(path, 'utf8')).startsWith(text)).toBe(true);
    expect(await readdir(dir)).not.toContain('journal.ndjson.1');
  });

  it('is met by a running process, too, which keeps what it knows', async () => {
    await writeThree();
    const journal = await open(path);
    await appendFile(path, '{"seq":4}\n');
    await expect(journal.refresh()).rejects.toThrow('line 4');
    await expect(journal.append([entry('z', 1)])).rejects.toThrow('line 4');
    expect(journal.state()).toEqual(threePrefixes[3]);
    expect(journal.health().writable.known).toBe(false);
  });

  it('includes a file that ends before what was read, or that was replaced', async () => {
    await writeThree();
    const journal = await open(path);
    const all = await lines();
    await writeFile(path, `${all.slice(0, 2).join('\n')}\n`);
    await expect(journal.refresh()).rejects.toThrow('ends at entry 2, though entry 3 was read before');
    await writeFile(join(dir, 'other'), `${all.slice(0, 2).join('\n')}\n`);
    const other = await open(join(dir, 'other'));
    await other.append([entry('other', 1)]);
    await other.append([entry('other', 2)]);
    await rename(join(dir, 'other'), path);
    await expect(journal.append([entry('z', 1)])).rejects.toThrow('was replaced: entry 3');
  });

  it('includes a journal that is gone, for a running process and for a new one', async () => {
    await writeThree();
    const journal = await open(path);
    await journal.compact();
    await rm(path);
    await expect(journal.refresh()).rejects.toMatchObject({ code: 'journal-gone' });
    await expect(journal.append([entry('z', 1)])).rejects.toMatchObject({ code: 'journal-gone' });
    await expect(open(path)).rejects.toMatchObject({ code: 'journal-gone' });
    expect(await readdir(dir)).not.toContain('journal.ndjson');
  });

  it('includes a symbolic link', async () => {
    await writeThree();
    await rename(path, join(dir, 'elsewhere'));
    await symlink(join(dir, 'elsewhere'), path);
    await expect(open(path)).rejects.toMatchObject({ name: 'JournalError' });
  });
});

describe('compaction', () => {
  it('happens by itself when the journal grows, keeps the state and one generation', async () => {
    const journal = await open(path, { compactAfterBytes: 2_000 });
    for (let n = 0; n < 60; n += 1) await journal.append([entry('x', n)]);
    const wanted = Array.from({ length: 60 }, (_, n) => `x${n}`);
    expect(journal.state()).toEqual(wanted);
    expect((await open(path)).state()).toEqual(wanted);
    expect((await readdir(dir)).sort()).toEqual(['journal.ndjson', 'journal.ndjson.1', 'journal.ndjson.lock']);
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    const last = (await readFile(`${path}.1`, 'utf8')).trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse((await lines())[0] ?? '').prev).toBe(hashLine(Buffer.from(last)));
  });

  it('may be interrupted after each of its steps without any loss', async () => {
    await writeThree();
    const whole = await readFile(path);
    await openEntries(path).then(async (journal) => {
      await journal.compact();
      await journal.close();
    });
    const compacted = await readFile(path);
    const file = (name: string): string => join(dir, name);
    const steps: readonly Record<string, Buffer>[] = [
      { 'journal.ndjson': whole },
      { 'journal.ndjson': whole, 'journal.ndjson.1.new': whole },
      { 'journal.ndjson': whole, 'journal.ndjson.1': whole },
      { 'journal.ndjson': whole, 'journal.ndjson.1': whole, '.journal.ndjson.tmp.1.ab': compacted.subarray(0, 50) },
      { 'journal.ndjson': whole, 'journal.ndjson.1': whole, '.journal.ndjson.tmp.1.ab': compacted },
      { 'journal.ndjson': compacted, 'journal.ndjson.1': whole },
    ];
    for (const step of steps) {
      for (const name of await readdir(dir)) await rm(file(name));
      for (const [name, bytes] of Object.entries(step)) await writeFile(file(name), bytes);
      const journal = await openEntries(path);
      expect(journal.state()).toEqual(threePrefixes[3]);
      await journal.append([entry('z', 1)]);
      await journal.compact();
      await journal.close();
      expect((await open(path)).state()).toEqual([...(threePrefixes[3] ?? []), 'z1']);
    }
  });

  it('that fails is told, fails no append, and is not tried again at once', async () => {
    const log = createModelLog();
    let tries = 0;
    const encodeState = (): unknown => {
      tries += 1;
      throw new Error('not today');
    };
    const journal = await open(path, { compactAfterBytes: 1_000, encodeState, log });
    for (let n = 0; n < 15; n += 1) await journal.append([entry('x', n)]);
    expect(journal.state()).toHaveLength(15);
    expect(tries).toBeGreaterThan(0);
    expect(tries).toBeLessThan(4);
    expect(log.lines.map(({ message }) => message)).toContain('could not compact the journal; it goes on growing');
  });
});

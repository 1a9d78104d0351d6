import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { createRecords } from '../../src/drivers/records/records.ts';
import type { RecordSeed, Records } from '../../src/ports/records.ts';
import { createModelLog } from '../models/model-log.ts';

/** Of the writes of either side. */
const count = process.env.FULL ? 200 : 80;
const owner = '0x00000000000000000000000000000000000000a1';

let dir: string;
let path: string;
let records: Records;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'records-python-'));
  path = join(dir, 'vms.json');
  await writeFile(path, JSON.stringify({ vms: {}, next_vmid: 100, allocated_ips: [], foreign: { kept: 1.5 } }));
  records = createRecords({ path, clock: createSystemClock(), log: createModelLog() });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const seeds: readonly RecordSeed[] = Array.from({ length: count }, (_, n) => ({
  name: `ours-${n}`,
  ipAddress: `10.9.0.${n}`,
  ipv6Address: `fd00::${(n + 3).toString(16)}`,
  owner,
  username: 'user',
  expiresAtUnix: 1_900_000_000n + BigInt(n),
  createdAtUnix: 1_700_000_000n,
  status: 'active',
}));

/** Runs one of the Python writers; resolves to its exit code and what it complained about. */
const runPython = (script: string): Promise<{ readonly code: number | null; readonly stderr: string }> =>
  new Promise((resolve, reject) => {
    const file = fileURLToPath(new URL(`../python/${script}`, import.meta.url));
    const child = spawn('python3', [file, path, String(count)], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    child.once('error', reject);
    child.once('exit', (code) => resolve({ code, stderr }));
  });

/** Our own writes, two for each record: new records, changed records and addresses. */
const writeOurs = async (): Promise<void> => {
  for (const seed of seeds) {
    await records.restore(seed);
    await records.patch(seed.name, { status: 'suspended', suspendedAtUnix: 1_800_000_000n });
  }
};

const document = async () => JSON.parse(await readFile(path, 'utf8'));
const numbered = (prefix: string): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

describe('the records beside real Python writers', () => {
  it('lose nothing of anyone’s where Python takes the lock file (generation B)', async () => {
    const [python] = await Promise.all([runPython('generation_b.py'), writeOurs()]);
    expect(python).toEqual({ code: 0, stderr: '' });
    const data = await document();
    expect(Object.keys(data.vms)).toEqual(expect.arrayContaining([...numbered('python-'), ...numbered('ours-')]));
    expect(data.allocated_ips).toEqual(expect.arrayContaining([...numbered('10.1.0.'), ...numbered('10.9.0.')]));
    expect(data).toMatchObject({ count, next_vmid: 100 + count, foreign: { kept: 1.5 } });
    const ours = (await records.list()).filter(({ name }) => name.startsWith('ours-'));
    expect(ours.filter(({ status }) => status === 'suspended')).toHaveLength(count);
  }, 180_000);

  it('are back after one pass where Python truncates before it locks (generation A)', async () => {
    const [python] = await Promise.all([runPython('generation_a.py'), writeOurs()]);
    expect(python).toEqual({ code: 0, stderr: '' });
    const kept = Object.keys((await document()).vms);
    const lost = seeds.filter(({ name }) => !kept.includes(name)).length;
    for (const seed of seeds) await records.restore(seed);
    await records.claimAddresses('10.9.1.1', '');
    const data = await document();
    const mine = numbered('python-').filter((name) => !kept.includes(name)).length;
    console.info(
      `generation A: ${lost} of our ${count} records were lost and put back, ${mine} of its own were lost by itself`,
    );
    expect(Object.keys(data.vms)).toEqual(expect.arrayContaining([...kept, ...numbered('ours-')]));
    expect(data.allocated_ips).toEqual(expect.arrayContaining(numbered('10.9.0.')));
    expect(data.allocated_ipv6).toEqual(expect.arrayContaining(seeds.map(({ ipv6Address }) => ipv6Address)));
    expect(data.foreign).toEqual({ kept: 1.5 });
    // No date in the file stops Python's garbage collection.
    expect(JSON.stringify(data)).not.toMatch(/"expires_at":"[^"+]*"/);
  }, 180_000);
});

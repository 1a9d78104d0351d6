import { mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readQemuUptimes, startedAtSeconds, uuidOnCommandLine } from '../../../../src/drivers/samples/qemu-uptime.ts';
import { createSampleFile } from '../../../../src/drivers/samples/sample-file.ts';

const directory = (): string => mkdtempSync(join(tmpdir(), 'bh-samples-'));

describe('a file of samples', () => {
  const pair = { bootId: 'a', baseline: { atMs: 1, machines: {} }, latest: { atMs: 2, machines: {} } };

  it('is replaced whole, readable to the group alone, and leaves nothing beside it (D26)', () => {
    const path = join(directory(), 'samples.json');
    const file = createSampleFile(path, 'a');
    expect(file.read()).toBeUndefined();
    file.write(pair);
    file.write({ ...pair, latest: { atMs: 3, machines: {} } });
    expect(file.read()?.latest.atMs).toBe(3);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect(readdirSync(join(path, '..'))).toEqual(['samples.json']);
  });

  it('that cannot be written is as if it were not there', () => {
    const file = createSampleFile(join(directory(), 'no/such/place/samples.json'), 'a');
    file.write(pair);
    expect(file.read()).toBeUndefined();
  });
});

describe('the uptime of a qemu', () => {
  const stat = (name: string, ticks: number): string =>
    `7 (${name}) S 1 7 7 0 -1 4 1 1 0 0 3 4 0 0 20 0 4 0 ${ticks} 99 1`;

  it('is read off the kernel, whatever the process calls itself', () => {
    expect(startedAtSeconds(stat('qemu-system-x86', 202_317))).toBe(2023.17);
    expect(startedAtSeconds(stat(') S 1 (', 500))).toBe(5);
    expect(startedAtSeconds('')).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => void startedAtSeconds(text)));
  });

  it('belongs to the UUID on its command line', () => {
    const line = ['/usr/bin/qemu-system-x86_64', '-name', 'guest=-uuid', '-uuid', 'u-1', '-x', ''].join('\0');
    expect(uuidOnCommandLine(line)).toBe('u-1');
    expect(uuidOnCommandLine(['vim', '-uuid', 'u-1'].join('\0'))).toBeUndefined();
    expect(uuidOnCommandLine('')).toBeUndefined();
  });

  it('is found for every machine, and for none where nothing can be seen', () => {
    const proc = directory();
    writeFileSync(join(proc, 'uptime'), '100.50 90.00\n');
    for (const [pid, comm, uuid] of [
      ['7', 'qemu-system-x86', 'u-1'],
      ['8', 'bash', 'u-2'],
    ]) {
      mkdirSync(join(proc, String(pid)));
      writeFileSync(join(proc, `${pid}/comm`), `${comm}\n`);
      writeFileSync(join(proc, `${pid}/cmdline`), `/usr/bin/qemu\0-uuid\0${uuid}\0`);
      writeFileSync(join(proc, `${pid}/stat`), stat(String(comm), 9_000));
    }
    expect([...readQemuUptimes(proc)]).toEqual([['u-1', 10.5]]);
    expect([...readQemuUptimes(join(proc, 'nothing'))]).toEqual([]);
  });
});

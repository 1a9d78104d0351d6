import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './tool.ts';
import { filesBelow, textOf } from './tree.ts';

const units = filesBelow('systemd');
const services = units.filter((path) => path.endsWith('.service'));

const analyze = (...args: string[]): { exitCode: number | null; output: string } => {
  const { status, stdout, stderr, error } = spawnSync('systemd-analyze', args, { cwd: root, encoding: 'utf8' });
  return { exitCode: status, output: error ? String(error) : stdout + stderr };
};

/** All values of a key, in order. */
const valuesOf = (unit: string, key: string): string[] =>
  [...textOf(`systemd/${unit}`).matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

describe('every systemd unit', () => {
  let host = '';
  beforeAll(() => {
    // As on a host: units in their place, programs where they are started from.
    host = mkdtempSync(join(tmpdir(), 'units-'));
    for (const path of units) {
      const text = readFileSync(join(root, path), 'utf8').replace(/^Documentation=.*\n/m, '');
      const place = join(host, path);
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(
        place,
        text.replace(/^ExecStart=(\S+)/m, (_, program: string) => {
          const stub = join(host, program);
          mkdirSync(dirname(stub), { recursive: true });
          writeFileSync(stub, '#!/bin/sh\n');
          chmodSync(stub, 0o755);
          return `ExecStart=${stub}`;
        }),
      );
    }
  });
  afterAll(() => rmSync(host, { recursive: true, force: true }));

  it('is one that systemd finds nothing wrong with', () => {
    expect(units.length).toBeGreaterThanOrEqual(4);
    expect(analyze('verify', ...units.map((path) => join(host, path)))).toEqual({ exitCode: 0, output: '' });
  });

  it('is found wrong where it is: the canary', () => {
    const broken = join(host, 'systemd/broken.service');
    writeFileSync(broken, '[Service]\nExecStart=/nowhere/at/all\nRestartt=always\n');
    expect(analyze('verify', broken).output).toMatch(/not executable|Unknown key/);
  });

  it.each(services)('exposes at most 2.0 of 10: %s', (path) => {
    const { exitCode, output } = analyze('security', '--offline=true', '--no-pager', '--threshold=20', path);
    expect(output).toMatch(/Overall exposure level for .*: [01]\.\d|: 2\.0/);
    expect(exitCode).toBe(0);
  });

  it.each(services)('runs as blockhost, beside libvirt, and lets JavaScript be compiled: %s', (path) => {
    const unit = path.replace('systemd/', '');
    expect([valuesOf(unit, 'User'), valuesOf(unit, 'Group'), valuesOf(unit, 'SupplementaryGroups')]).toEqual([
      ['blockhost'],
      ['blockhost'],
      ['libvirt'],
    ]);
    expect(valuesOf(unit, 'MemoryDenyWriteExecute')).toEqual([]);
    expect(valuesOf(unit, 'ReadWritePaths')).toEqual(['/var/lib/blockhost']);
    expect(valuesOf(unit, 'ConditionPathExists')).toEqual(['/etc/blockhost/db.yaml']);
  });
});

describe('the daemon’s unit', () => {
  const values = (key: string): string[] => valuesOf('blockhost-provisioner.service', key);

  it('starts it again by its exit code: never after 1, always after anything else that is not 0', () => {
    expect(values('Restart')).toEqual(['on-failure']);
    expect(values('RestartPreventExitStatus')).toEqual(['1']);
    expect(values('StartLimitIntervalSec')).toEqual(['0']);
  });

  it('waits for its word, and for a child’s word, since that is who says it', () => {
    expect([values('Type'), values('NotifyAccess'), values('WatchdogSec')]).toEqual([['notify'], ['all'], ['2min']]);
  });

  it('sends SIGTERM to the daemon alone: what it does through its children comes to an end', () => {
    expect(values('KillMode')).toEqual(['mixed']);
  });

  it('is started by a change of the configuration, not by its being there, which would undo every stop', () => {
    expect(valuesOf('blockhost-provisioner.path', 'PathChanged')).toEqual(['/etc/blockhost/db.yaml']);
    expect(valuesOf('blockhost-provisioner.path', 'PathExists')).toEqual([]);
  });
});

describe('the nightly collection', () => {
  it('runs once a day within half an hour of two o’clock, also where the host was off then', () => {
    expect(valuesOf('blockhost-gc.timer', 'OnCalendar')).toEqual(['*-*-* 02:00:00']);
    expect(valuesOf('blockhost-gc.timer', 'RandomizedDelaySec')).toEqual(['30min']);
    expect(valuesOf('blockhost-gc.timer', 'Persistent')).toEqual(['true']);
    expect(analyze('calendar', '*-*-* 02:00:00').output).toMatch(/Normalized form: \*-\*-\* 02:00:00/);
    expect(valuesOf('blockhost-gc.service', 'ExecStart')).toEqual(['/usr/bin/blockhost-vm-gc --execute']);
    expect(valuesOf('blockhost-gc.service', 'Type')).toEqual(['oneshot']);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { createPaths } from '../../src/config/paths.ts';
import { freeAddresses } from '../../src/domain/allocation.ts';
import { takenBy } from '../../src/domain/taken.ts';
import { repositoryPath } from '../lab/repository.ts';

const KILLED = 'test/python/wizard/test_killed.py';

const pytest = async (...argv: readonly string[]): Promise<string> => {
  const place = await mkdtemp(join(tmpdir(), 'wizard-'));
  try {
    const options = ['-B', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', `--basetemp=${join(place, 'tests')}`];
    const { exitCode, all } = await execa('/usr/bin/python3', [...options, ...argv], {
      reject: false,
      all: true,
      stdin: 'ignore',
    });
    expect(exitCode, all).toBe(0);
    return all;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

describe('the installer’s page', () => {
  it('satisfies its tests, in Python', { timeout: 300_000 }, async () => {
    await pytest('test/python/wizard', `--ignore=${KILLED}`);
  });

  it('finishes what was killed anywhere', { timeout: 400_000 }, async () => {
    const told = (await pytest(KILLED)).split('\n').filter((line) => line.includes('killed at'));
    expect(told).toHaveLength(2);
    for (const line of told) console.log(line);
  });
});

const WRITE = `
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from app import load_wizard
load_wizard(Path(sys.argv[2]))
from blockhost.provisioner_libvirt.database import merge
merge(json.loads(sys.argv[3]))
`;

describe('a range that holds addresses of the host and the gateway', () => {
  it('stays as it was posted, and no machine ever gets one of those', async () => {
    const place = await mkdtemp(join(tmpdir(), 'wizard-range-'));
    try {
      const env = { BLOCKHOST_ROOT: join(place, 'root') };
      const posted = {
        storage_pool: 'blockhost',
        storage_path: '/var/lib/blockhost/vms',
        bridge: 'br0',
        ip_network: '192.168.122.0/24',
        ip_start: '2',
        ip_end: '254',
        gateway: '192.168.122.254',
        gc_grace_days: '7',
      };
      const host = repositoryPath('test/python/wizard/host');
      await execa('/usr/bin/python3', ['-B', '-c', WRITE, host, join(place, 'packages'), JSON.stringify(posted)], {
        env,
      });
      const { ipPool } = await loadConfig({ paths: createPaths(env), env });
      expect(ipPool).toMatchObject({ start: '192.168.122.2', end: '192.168.122.254' });
      const pools = { ipv4: ipPool, ipv6: undefined };
      const given: string[] = [];
      for (;;) {
        const taken = takenBy({
          records: [],
          allocated: { ipv4: given, ipv6: [] },
          reservations: new Map(),
          machines: [],
          domains: [],
          hostAddresses: ['192.168.122.50', '192.168.122.2', '10.0.0.7'],
          pools,
        });
        const { ipv4 } = freeAddresses(pools, taken);
        if (ipv4 === undefined) break;
        given.push(ipv4);
      }
      const parts = Array.from({ length: 253 }, (_, i) => i + 2).filter((part) => ![2, 50, 254].includes(part));
      expect(given).toEqual(parts.map((part) => `192.168.122.${part}`));
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, run } from './bundled.ts';

const MACHINES = 10_000;

const recordOf = (name: string) => ({
  vm_name: name,
  vmid: 0,
  ip_address: '192.168.122.7',
  ipv6_address: '',
  expires_at: '2026-11-21T03:05:35.932679+00:00',
  created_at: '2026-11-20T23:59:59+00:00',
  owner: `0x${'a1'.repeat(20)}`,
  status: 'active',
});

describe('blockhost-vm-list as a process', () => {
  let directory: string;
  let program: string;
  let env: { BLOCKHOST_ROOT: string };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bh-list-'));
    program = await bundle(directory, { path: 'cli/blockhost-vm-list.ts' });
    env = { BLOCKHOST_ROOT: join(directory, 'root') };
    const names = Array.from({ length: MACHINES }, (_, index) => `blockhost-${String(index + 1).padStart(3, '0')}`);
    const vms = Object.fromEntries(names.map((name) => [name, recordOf(name)]));
    await mkdir(join(env.BLOCKHOST_ROOT, 'var/lib/blockhost'), { recursive: true });
    const document = { vms, next_vmid: 1, allocated_ips: [], allocated_ipv6: [] };
    await writeFile(join(env.BLOCKHOST_ROOT, 'var/lib/blockhost/vms.json'), JSON.stringify(document));
  });

  afterAll(async () => rm(directory, { recursive: true, force: true }));

  it.each([['--json'], ['--format=json'], ['--format', 'json']])(
    'gives the whole list into a pipe with %s %s',
    async (...argv) => {
      const startedMs = performance.now();
      const { code, stdout, stderr } = await run(program, argv, env);
      process.stderr.write(`  [list] ${MACHINES} machines: ${Math.round(performance.now() - startedMs)} ms\n`);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const listed = JSON.parse(stdout);
      expect(listed).toHaveLength(MACHINES);
      expect(listed[0]).toEqual({
        name: 'blockhost-001',
        status: 'active',
        ip: '192.168.122.7',
        created: '2026-11-20',
      });
    },
  );

  it('gives columns without a flag', async () => {
    const { stdout } = await run(program, [], env);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(MACHINES + 1);
    expect(lines.slice(0, 2)).toEqual([
      'NAME\tSTATUS\tIP\tCREATED',
      'blockhost-001\tactive\t192.168.122.7\t2026-11-20',
    ]);
  });

  it('ends quietly when its reader goes away', async () => {
    const child = spawn(process.execPath, [program], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdout.once('data', () => child.stdout.destroy());
    await once(child, 'close');
    expect(stderr).toBe('');
  });

  it('lists nothing, and says why, where neither records nor journal can be read; exit 0 all the same (D4)', async () => {
    const broken = { BLOCKHOST_ROOT: join(directory, 'broken') };
    await mkdir(join(broken.BLOCKHOST_ROOT, 'var/lib/blockhost/provisioner'), { recursive: true });
    await writeFile(join(broken.BLOCKHOST_ROOT, 'var/lib/blockhost/vms.json'), '{"vms": 7}');
    await writeFile(
      join(broken.BLOCKHOST_ROOT, 'var/lib/blockhost/provisioner/journal.ndjson'),
      'no journal\n'.repeat(3),
    );
    const { code, stdout, stderr } = await run(program, ['--json'], broken);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '[]\n' });
    expect(stderr).toMatch(/^blockhost-vm-list: /);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

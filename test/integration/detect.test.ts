import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeExecution } from '../../src/drivers/builder/execution-probe.ts';
import { inside } from '../lab/guest.ts';
import { type LibvirtLab, startLibvirt } from '../lab/libvirt.ts';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { bundle, run } from '../unit/cli/bundled.ts';
import { openBuilderBench } from './builder-harness.ts';

const silent = { stdout: '', stderr: '' };

describe('blockhost-provisioner-detect', () => {
  let dir = '';
  let lab: LibvirtLab;
  let program = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bh-'));
    lab = await startLibvirt({ dir: join(dir, 'l') });
    program = await bundle(dir, { path: 'cli/blockhost-provisioner-detect.ts' });
  });
  afterAll(async () => {
    await lab?.stop();
    await rm(dir, { recursive: true, force: true });
  });
  const detect = (uri = lab.uri) => run(program, [], { BLOCKHOST_ROOT: join(dir, 'root'), LIBVIRT_DEFAULT_URI: uri });

  it('exits 0 without a word where libvirt answers and a guest executes', async () => {
    expect(await detect()).toEqual({ code: 0, ...silent });
    expect((await lab.virsh('list', '--all', '--name')).trim()).toBe('');
  });

  it('exits 1 without a word where no libvirt is', async () => {
    expect(await detect('qemu+unix:///system?socket=/nowhere')).toEqual({ code: 1, ...silent });
  });

  it('exits 1 without a word, and soon, where libvirt hangs', async () => {
    lab.freeze();
    try {
      expect(await detect()).toEqual({ code: 1, ...silent });
    } finally {
      lab.thaw();
    }
  });
});

// Dead or alive: what a probe says of this machine's KVM must be what a guest finds there.
describe.skipIf(!namespacesAllowed() || !existsSync('/dev/kvm'))('a KVM that is there', () => {
  it('is called usable exactly where a guest comes up on it', async () => {
    const bench = await openBuilderBench({ bridge: 'br0', kvm: true });
    try {
      const machine = bench.spec(1, await bench.template());
      const probe = { shells: bench.shells, clock: bench.clock, directory: bench.places.basesDir };
      const { outcome } = await probeExecution(probe, 'kvm');
      await bench.build({ ...machine, accelerator: 'kvm' });
      await bench.hypervisor.start(machine.uuid);
      const answers = await inside(bench.lab, machine.name)
        .waitAgent(20_000)
        .then(
          () => true,
          () => false,
        );
      expect({ outcome, usable: outcome === 'executed' }).toEqual({ outcome, usable: answers });
      expect((await bench.builder.capacity()).accelerator).toBe(answers ? 'kvm' : 'tcg');
    } finally {
      await bench.close();
    }
  });
});

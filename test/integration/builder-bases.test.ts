import { appendFile, chmod, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeExecution } from '../../src/drivers/builder/execution-probe.ts';
import { createMachineBuilder } from '../../src/drivers/builder/machine-builder.ts';
import type { BaseImage, MachineSpec } from '../../src/ports/machine-builder.ts';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { type BuilderBench, openBuilderBench } from './builder-harness.ts';

const bytesOf = async (path: string): Promise<Buffer> => readFile(path);

describe.skipIf(!namespacesAllowed())('base images under machines that exist', () => {
  let bench: BuilderBench;
  let old: BaseImage;
  let machine: MachineSpec;
  beforeAll(async () => {
    bench = await openBuilderBench();
    old = await bench.template();
    machine = bench.spec(1, old);
    await bench.build(machine);
  });
  afterAll(() => bench?.close());

  it('a rebuilt template is the base of machines to come, and the old one stays as it was', async () => {
    const before = await bytesOf(old.path);
    const rebuilt = await bench.template(async (file) => void (await execa('qemu-img', ['resize', '-q', file, '80M'])));
    expect(rebuilt.digest).not.toBe(old.digest);
    expect(rebuilt.virtualSizeBytes).toBe(80 * 1024 * 1024);
    expect(await bench.builder.currentBase()).toEqual(rebuilt);
    expect((await bytesOf(old.path)).equals(before)).toBe(true);
    await bench.builder.verifyBase(old.digest);
    await bench.builder.verifyBase(rebuilt.digest);
    const next = bench.spec(2, rebuilt);
    await bench.builder.makeDisk(next);
    const info = await bench.lab.virsh('vol-dumpxml', '--pool', 'blockhost', `${next.name}.qcow2`);
    expect(info).toContain(`<path>${rebuilt.path}</path>`);
    await bench.builder.removeDisk(next.name);
  });

  it('an interrupted create that comes again finds its own new disk and goes on', async () => {
    await bench.builder.makeDisk(machine);
    await expect(bench.builder.makeDisk({ ...machine, diskGib: 2 })).rejects.toMatchObject({ code: 'place-taken' });
  });

  it('many disks are made, looked for and removed at once', async () => {
    const specs = Array.from({ length: 12 }, (_, index) => ({
      ...bench.spec(9, old),
      name: `blockhost-1${index + 10}`,
    }));
    await Promise.all(
      specs.map(async (spec) => {
        expect(await bench.builder.occupied(spec.name)).toEqual([]);
        await bench.builder.makeDisk(spec);
        expect(await bench.builder.occupied(spec.name)).toEqual([bench.builder.placesOf(spec.name).disk]);
        await bench.builder.removeDisk(spec.name);
        expect(await bench.builder.occupied(spec.name)).toEqual([]);
      }),
    );
  });

  it('a file that libvirt never heard of keeps its place', async () => {
    const stranger = { ...bench.spec(3, old) };
    const { disk } = bench.builder.placesOf(stranger.name);
    await writeFile(disk, 'precious');
    expect(await bench.builder.occupied(stranger.name)).toEqual([disk]);
    await expect(bench.builder.makeDisk(stranger)).rejects.toMatchObject({ code: 'place-taken', retryable: false });
    expect(await readFile(disk, 'utf8')).toBe('precious');
    await bench.builder.removeDisk(stranger.name); // ... until somebody says so
    await expect(stat(disk)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('a base that changed is wrong for ever, one that is gone as well, and both are right again with the same file', async () => {
    const rightLength = (await stat(old.path)).size;
    await chmod(old.path, 0o644);
    await appendFile(old.path, 'x');
    await expect(bench.builder.verifyBase(old.digest)).rejects.toMatchObject({ code: 'base-wrong', retryable: false });
    await execa('truncate', ['-s', String(rightLength), old.path]);
    await bench.builder.verifyBase(old.digest);
    await rename(old.path, `${old.path}.away`);
    await expect(bench.builder.verifyBase(old.digest)).rejects.toMatchObject({
      code: 'base-missing',
      retryable: false,
    });
    await rename(`${old.path}.away`, old.path);
    await bench.builder.verifyBase(old.digest);
  });

  it('a kernel that was exchanged is a wrong base, too', async () => {
    if (old.boot.kind !== 'kernel') throw new Error('the laboratory boots by kernel');
    const right = await bytesOf(old.boot.kernel);
    await chmod(old.boot.kernel, 0o644);
    await writeFile(old.boot.kernel, 'another kernel');
    await expect(bench.builder.verifyBase(old.digest)).rejects.toMatchObject({ code: 'base-wrong', retryable: false });
    await writeFile(old.boot.kernel, right);
    await bench.builder.verifyBase(old.digest);
  });

  it('runs guests of libvirt’s type qemu, and says of KVM what this libvirtd says', async () => {
    const probe = { shells: bench.shells, clock: bench.clock, directory: bench.places.basesDir };
    expect(await probeExecution(probe, 'qemu')).toEqual({ outcome: 'executed' });
    expect(await probeExecution(probe, 'kvm')).toEqual({ outcome: 'unsupported' });
    expect(await bench.lab.virsh('list', '--all', '--name')).not.toContain('blockhost-probe');
  });

  it('tries KVM once per boot of the host, and shares the answer', async () => {
    const answer = join(bench.places.stateDir, 'accelerator.json');
    await rm(answer, { force: true });
    expect((await bench.builder.capacity()).accelerator).toBe('tcg');
    const text = await readFile(answer, 'utf8');
    await writeFile(answer, text.replace('"tcg"', '"kvm"')); // as another process would have found
    expect((await bench.builder.capacity()).accelerator).toBe('kvm');
    const nextBoot = createMachineBuilder({ ...bench.deps, bootId: 'boot-b' });
    expect((await nextBoot.capacity()).accelerator).toBe('tcg');
  });
});

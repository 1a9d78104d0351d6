import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seeAccelerator } from '../../../../src/drivers/builder/accelerator.ts';
import { createVirtualClock } from '../../../../src/simulator/time/virtual-clock.ts';
import { createModelLog } from '../../../models/model-log.ts';
import { type Saying, scriptedShells } from './scripted-shells.ts';

const working: Record<string, Saying> = {
  version: 'Running hypervisor: QEMU 7.2.22',
  domcapabilities: '<domainCapabilities/>',
  create: '',
  domstate: 'crashed (panicked)',
  destroy: '',
};

describe('which accelerator machines get', () => {
  let stateDir = '';
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'accelerator-'));
  });
  afterEach(() => rm(stateDir, { recursive: true, force: true }));

  const see = async (sayings: Record<string, Saying>, bootId = 'boot-a') => {
    const { shells, said } = scriptedShells(([word = '']) => sayings[word] ?? { error: `unscripted ${word}` });
    const clock = createVirtualClock(0);
    const basesDir = join(stateDir, 'bases');
    const deps = { shells, clock, log: createModelLog(), stateDir, basesDir, bootId, libvirtUri: 'qemu:///system' };
    let settled = false;
    const answer = seeAccelerator(deps).finally(() => {
      settled = true;
    });
    answer.catch(() => undefined);
    while (!settled) await clock.advance(100).then(() => new Promise((resolve) => setImmediate(resolve)));
    return { accelerator: await answer, said };
  };

  it('is KVM where a guest was seen to execute on it', async () => {
    expect(await see(working)).toMatchObject({
      accelerator: 'kvm',
      said: ['version', 'domcapabilities', 'create', 'domstate', 'destroy'],
    });
    expect(await readdir(join(stateDir, 'bases'))).toEqual([]);
  });

  it('is the translator where a guest executes nothing within five seconds, and the guest is ended', async () => {
    const { accelerator, said } = await see({ ...working, domstate: 'running (booted)' });
    expect(accelerator).toBe('tcg');
    expect(said.at(-1)).toBe('destroy');
  });

  it('is the translator where libvirt offers no KVM', async () => {
    const refusal = "invalid argument: the accel 'kvm' is not supported by '/usr/bin/qemu-system-x86_64' on this host";
    const { accelerator, said } = await see({ ...working, domcapabilities: { error: refusal } });
    expect(accelerator).toBe('tcg');
    expect(said).not.toContain('create');
  });

  it.each([
    ['kvm', "<domain type='qemu'/><domain type='kvm'/>"],
    ['tcg', "<domain type='qemu'/>"],
  ])('is %s by what anybody may read, where polkit refuses the question itself', async (expected, offered) => {
    const guest = (arch: string, types: string): string => `<guest><arch name='${arch}'>${types}</arch></guest>`;
    const another = guest('i686', "<domain type='kvm'/>");
    const capabilities = `<capabilities><host/>${another}${guest('x86_64', offered)}</capabilities>`;
    const denied = { ...working, domcapabilities: { error: "access denied: 'QEMU' denied access" }, capabilities };
    const { accelerator, said } = await see(denied);
    expect([accelerator, said.includes('create')]).toEqual([expected, expected === 'kvm']);
  });

  it('is found out once, and again after a boot, with another qemu, or from a file that is torn', async () => {
    await see(working);
    expect((await see({ version: working.version ?? '' })).said).toEqual(['version']);
    expect((await see(working, 'boot-b')).said).toContain('create');
    expect((await see({ ...working, version: 'Running hypervisor: QEMU 9.0.0' }, 'boot-b')).said).toContain('create');
    await writeFile(join(stateDir, 'accelerator.json'), '{"schema":1,"key"');
    expect(await see(working)).toMatchObject({ accelerator: 'kvm', said: expect.arrayContaining(['create']) });
  });

  it('is not remembered where a guest could not be started for another reason', async () => {
    const full = { ...working, create: { error: 'internal error: process exited: cannot allocate memory' } };
    expect((await see(full)).accelerator).toBe('tcg');
    expect((await see(working)).accelerator).toBe('kvm');
  });

  it('is unknown, and thrown as such, where libvirt does not answer (L3)', async () => {
    const mute = { ...working, domcapabilities: { timedOut: true } as const };
    await expect(see(mute)).rejects.toMatchObject({ code: 'libvirt-timeout', retryable: true });
    expect((await see(working)).accelerator).toBe('kvm');
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { GuestAgentError } from '../../../src/domain/errors.ts';
import type { HostSample, SamplePair } from '../../../src/domain/host-sample.ts';
import type { JournalEvent } from '../../../src/domain/journal/event.ts';
import { guestArgv, guestExec } from '../../../src/operations/guest-exec.ts';
import { followingPair, pairWith } from '../../../src/operations/sample-host.ts';
import { performStep } from '../../../src/operations/steps.ts';
import { throttle } from '../../../src/operations/throttle.ts';
import { updateGecos } from '../../../src/operations/update-gecos.ts';
import { createWorld, OWNER, type World } from '../../models/model-world.ts';

const STRANGER = `0x${'b2'.repeat(20)}` as const;
const FOREIGN = '99999999-0000-4000-8000-000000000000';

let world: World;
beforeEach(() => {
  world = createWorld();
});
const kinds = (): readonly JournalEvent['kind'][] => world.events.map(({ kind }) => kind);
const limitsOf = (uuid: string) => world.journal.state().machines[uuid]?.limits;

describe('a held machine', () => {
  it('is left alone by each of these commands, which say who holds it (L11)', async () => {
    const { uuid, name, guest } = await world.sell(7, 86_400);
    const untilUnixMs = world.clock.nowUnixMs() + 60_000;
    await world.journal.append([{ kind: 'hold', uuid, reason: 'moving its disk', by: 'ann', untilUnixMs }]);
    const held = /is held by ann until .*: moving its disk/;
    await expect(throttle(world.deps, name, { writeIops: 9 }, { reset: false })).rejects.toThrow(held);
    await expect(guestExec(world.deps, name, ['true'], { timeoutMs: 1000, by: 'root' })).rejects.toThrow(held);
    await expect(updateGecos(world.deps, name, { owner: STRANGER, tokenId: 7n })).rejects.toThrow(held);
    expect(guest.limits).toEqual({});
    expect(kinds()).not.toContain('guest-exec');
  });
});

describe('throttle', () => {
  it('sets limits, adds to them, takes one away, and tells a line for each change (interop §8)', async () => {
    const { uuid, name, guest } = await world.sell(7, 86_400);
    const first = await throttle(world.deps, name, { cpuQuotaPercent: 50, readIops: 100 }, { reset: false });
    expect(first).toEqual({ changes: ['cpu quota: 50% of its vCPUs', 'read operations: 100/s'], inForce: true });
    await throttle(world.deps, name, { readIops: 0, writeIops: 9 }, { reset: false });
    expect(guest.limits).toEqual({ cpuQuotaPercent: 50, writeIops: 9 });
    expect(limitsOf(uuid)).toEqual({ cpuQuotaPercent: 50, writeIops: 9 });
    await throttle(world.deps, name, {}, { reset: true });
    expect([guest.limits, limitsOf(uuid)]).toEqual([{}, {}]);
  });

  it('asked for nothing does nothing', async () => {
    const { name } = await world.sell(7, 86_400);
    const before = world.events.length;
    expect(await throttle(world.deps, name, {}, { reset: false })).toEqual({ changes: [], inForce: true });
    expect(world.events).toHaveLength(before);
  });

  it('all or nothing: where one cannot be set, the others are put back and nothing is stored', async () => {
    const { uuid, name, guest } = await world.sell(7, 86_400);
    await throttle(world.deps, name, { readIops: 100 }, { reset: false });
    guest.behaviour = { ...guest.behaviour, cannotLimit: ['writeIops'] };
    const asked = { cpuQuotaPercent: 10, readIops: 5, writeIops: 5 };
    await expect(throttle(world.deps, name, asked, { reset: false })).rejects.toMatchObject({
      code: 'libvirt-refused',
    });
    expect([guest.limits, limitsOf(uuid)]).toEqual([{ readIops: 100 }, { readIops: 100 }]);
  });

  it('where one cannot be set and there was none before, leaves the machine to whoever limits it by hand', async () => {
    const { uuid, name, guest } = await world.sell(7, 86_400);
    guest.limits = { readIops: 3 };
    guest.behaviour = { ...guest.behaviour, cannotLimit: ['writeIops'] };
    await expect(throttle(world.deps, name, { writeIops: 5 }, { reset: false })).rejects.toThrow();
    expect(limitsOf(uuid)).toBeUndefined();
    await world.look(uuid);
    expect(guest.limits).toEqual({ readIops: 3 });
  });

  it('that is killed while it sets them is finished by the daemon (L4)', async () => {
    const { uuid, name, guest } = await world.sell(7, 86_400);
    const reached = new Promise<void>((resolve) => {
      const limit = (): Promise<never> => {
        resolve();
        return new Promise(() => undefined);
      };
      const hypervisor = { ...world.hypervisor, limit };
      void throttle({ ...world.deps, hypervisor }, name, { readIops: 100 }, { reset: false });
    });
    await reached;
    world.restart();
    await world.look(uuid);
    expect(guest.limits).toEqual({ readIops: 100 });
  });

  it('of a machine that is off is stored, and comes into force whenever it is found running without it', async () => {
    const { uuid, name, guest } = await world.sell(7, 86_400);
    world.hypervisor.powerOffFromInside(uuid);
    expect(await throttle(world.deps, name, { readIops: 100 }, { reset: false })).toMatchObject({ inForce: false });
    for (let starts = 0; starts < 2; starts += 1) {
      await world.hypervisor.start(uuid);
      expect(guest.limits).toEqual({});
      await world.look(uuid);
      expect(guest.limits).toEqual({ readIops: 100 });
      world.hypervisor.powerOffFromInside(uuid);
    }
  });

  it('is set by the very step that starts the machine', async () => {
    const { uuid, name, guest } = await world.sell(7, 86_400);
    await throttle(world.deps, name, { readIops: 100 }, { reset: false });
    const memory = world.journal.state().machines[uuid];
    if (memory === undefined) throw new Error('not known');
    world.hypervisor.crash(uuid);
    expect(guest.limits).toEqual({});
    await performStep(world.deps, memory, { do: 'start', dropSaved: false, linkDown: false });
    expect([guest.run, guest.limits]).toEqual(['running', { readIops: 100 }]);
  });

  it('that cannot be set at a start keeps no machine from running: it is an alarm, and is tried again (L8)', async () => {
    const { uuid, name, guest } = await world.sell(7, 86_400);
    await throttle(world.deps, name, { readIops: 100 }, { reset: false });
    world.hypervisor.crash(uuid);
    guest.behaviour = { ...guest.behaviour, cannotLimit: ['readIops'] };
    await world.pass(uuid, 600_000, 5_000);
    expect([guest.run, guest.limits]).toEqual(['running', {}]);
    const failed = world.log.lines.filter(({ fields }) => fields.step === 'limit');
    expect(failed.length).toBeGreaterThan(1);
    guest.behaviour = { ...guest.behaviour, cannotLimit: [] };
    await world.pass(uuid, 310_000, 5_000);
    expect(guest.limits).toEqual({ readIops: 100 });
  });

  it('leaves what nobody ever limited alone, whatever somebody set by hand', async () => {
    const { uuid, guest } = await world.sell(7, 86_400);
    guest.limits = { readIops: 3 };
    await world.look(uuid);
    expect(guest.limits).toEqual({ readIops: 3 });
  });
});

describe('a name', () => {
  it('of nobody, or of a machine that is not ours, is refused by every command (D8)', async () => {
    world.hypervisor.create({ uuid: FOREIGN, name: 'theirs' });
    await world.hypervisor.start(FOREIGN);
    await world.clock.advance(5_000);
    const login = { owner: STRANGER, tokenId: 7n };
    for (const [name, code] of [
      ['nobody', 'no-machine'],
      ['theirs', 'foreign-machine'],
    ] as const) {
      await expect(throttle(world.deps, name, { readIops: 1 }, { reset: false })).rejects.toMatchObject({ code });
      await expect(guestExec(world.deps, name, ['true'], { timeoutMs: 1000, by: 'root' })).rejects.toMatchObject({
        code,
      });
      await expect(updateGecos(world.deps, name, login)).rejects.toMatchObject({ code });
    }
    expect(world.hypervisor.guest(FOREIGN)?.limits).toEqual({});
  });
});

describe('guest-exec', () => {
  it('a single word is a line for the shell, several are exact', () => {
    expect(guestArgv(['ls | wc -l'])).toEqual(['/bin/sh', '-c', 'ls | wc -l']);
    expect(guestArgv(['echo', 'a b'])).toEqual(['echo', 'a b']);
  });

  it('passes on exit code and output, and journals who did so where, never what: it may hold a secret', async () => {
    const { name, uuid } = await world.sell(7, 86_400);
    const end = await guestExec(world.deps, name, ['/bin/echo', 'pass word'], { timeoutMs: 1000, by: 'ann' });
    expect([end.exitCode, String(end.stdout)]).toEqual([0, 'pass word\n']);
    expect(world.events.at(-1)).toEqual({ kind: 'guest-exec', uuid, by: 'ann' });
    expect(JSON.stringify(world.events, (_, value) => (typeof value === 'bigint' ? 0 : value))).not.toContain(
      'pass word',
    );
  });

  it('asks no agent that libvirt knows to be absent', async () => {
    const { name, uuid } = await world.sell(7, 86_400);
    const exec = () => guestExec(world.deps, name, ['true', 'x'], { timeoutMs: 1000, by: 'ann' });
    world.hypervisor.powerOffFromInside(uuid);
    await expect(exec()).rejects.toMatchObject({ code: 'domain-off' });
    await world.hypervisor.start(uuid);
    await expect(exec()).rejects.toMatchObject({ code: 'agent-not-connected' });
    await world.clock.advance(5_000);
    world.hypervisor.suspendByOperator(uuid);
    await expect(exec()).rejects.toMatchObject({ code: 'domain-paused' });
    expect(kinds()).not.toContain('guest-exec');
  });
});

describe('update-gecos', () => {
  it('lets the guest name wallet and token, reads it back, and journals both (D25)', async () => {
    const { name, uuid, guest } = await world.sell(7, 86_400);
    await updateGecos(world.deps, name, { owner: STRANGER, tokenId: 9n });
    expect(guest.gecos.get('customer')).toBe(`wallet=${STRANGER},nft=9`);
    const memory = world.journal.state().machines[uuid];
    expect([memory?.loginOwner, memory?.details.nftTokenId, memory?.details.nftMinted]).toEqual([STRANGER, 9n, false]);
  });

  it('is obeyed, and what the chain says of the proven token wins later (D25)', async () => {
    const { name, uuid, guest } = await world.sell(7, 86_400, { tokenId: 7n });
    await updateGecos(world.deps, name, { owner: STRANGER, tokenId: 7n });
    expect(guest.gecos.get('customer')).toBe(`wallet=${STRANGER},nft=7`);
    await world.pass(uuid, 20_000);
    expect(guest.gecos.get('customer')).toBe(`wallet=${OWNER},nft=7`);
  });

  it('whose agent did it and never said so leaves nobody in the guest whom the chain does not name (L4, D25)', async () => {
    const { name, uuid, guest } = await world.sell(7, 86_400, { tokenId: 7n });
    const { agent } = world.deps;
    const exec: typeof agent.exec = async (...call) => {
      await agent.exec(...call);
      throw new GuestAgentError('no answer in time', { code: 'agent-timeout', retryable: true });
    };
    const asked = updateGecos({ ...world.deps, agent: { ...agent, exec } }, name, { owner: STRANGER, tokenId: 7n });
    await expect(asked).rejects.toMatchObject({ code: 'agent-timeout' });
    expect(guest.gecos.get('customer')).toBe(`wallet=${STRANGER},nft=7`);
    await world.pass(uuid, 20_000);
    expect(guest.gecos.get('customer')).toBe(`wallet=${OWNER},nft=7`);
  });

  it('token 0 is written as asked and never noted as a machine’s (D25)', async () => {
    const { name, uuid, guest } = await world.sell(7, 86_400);
    await updateGecos(world.deps, name, { owner: STRANGER, tokenId: 0n });
    expect(guest.gecos.get('customer')).toBe(`wallet=${STRANGER},nft=0`);
    expect(world.journal.state().machines[uuid]?.details.nftTokenId).toBeUndefined();
  });

  it('fails within two seconds where the machine is off, has no agent, or a mute one (interop §1)', async () => {
    const { name, uuid, guest } = await world.sell(7, 86_400);
    const login = { owner: STRANGER, tokenId: 7n };
    const attempt = async (): Promise<{ code: unknown; tookMs: number }> => {
      const beganMs = world.clock.nowUnixMs();
      let tookMs: number | undefined;
      const asked = updateGecos(world.deps, name, login).then(
        () => 'done',
        (error: { code: string }) => error.code,
      );
      const settled = asked.then((code) => {
        tookMs = world.clock.nowUnixMs() - beganMs;
        return code;
      });
      for (let ms = 0; ms < 10_000 && tookMs === undefined; ms += 100) await world.clock.advance(100);
      return { code: await settled, tookMs: tookMs ?? Number.NaN };
    };
    guest.behaviour = { ...guest.behaviour, agent: 'mute' };
    const mute = await attempt();
    expect(mute.code).toBe('agent-timeout');
    expect(mute.tookMs).toBeLessThan(2_000);
    guest.agentConnected = false;
    expect(await attempt()).toMatchObject({ code: 'agent-not-connected', tookMs: expect.any(Number) });
    world.hypervisor.powerOffFromInside(uuid);
    expect((await attempt()).code).toBe('domain-off');
    expect(kinds()).not.toContain('login-set');
  });
});

describe('counting the host', () => {
  const sampleAt = (atMs: number): HostSample => ({
    atMs,
    machines: {
      a: {
        uuid: 'u',
        ours: true,
        state: 'running',
        vcpus: 1,
        cpuNs: 0,
        memoryTotalKib: 0,
        memoryUsedKib: 0,
        diskCapacityBytes: 0,
        readRequests: 0,
        writeRequests: 0,
        readBytes: 0,
        writtenBytes: 0,
        receivedBytes: 0,
        sentBytes: 0,
        agentConnected: true,
        uptimeSeconds: 1,
      },
    },
  });
  /** A host that is counted on the model's clock, and a file that is a variable. */
  const counting = (kept?: SamplePair) => {
    let nowMs = 100_000;
    let file = kept;
    let counts = 0;
    const deps = {
      bootId: 'boot-a',
      clock: {
        monotonicMs: () => nowMs,
        sleep: async (ms: number) => {
          nowMs += ms;
        },
      },
      store: {
        read: () => file,
        write: (pair: SamplePair) => {
          file = pair;
        },
      },
      sampler: {
        sample: async () => {
          counts += 1;
          return sampleAt(nowMs);
        },
      },
    };
    return { deps, counts: () => counts, kept: () => file };
  };
  const pair = (baselineMs: number, latestMs: number): SamplePair => ({
    bootId: 'boot-a',
    baseline: sampleAt(baselineMs),
    latest: sampleAt(latestMs),
  });
  const ages = ({ baseline, latest }: SamplePair) => [100_000 - baseline.atMs, 100_000 - latest.atMs];

  it('the very first who asks counts twice, a moment apart', async () => {
    const host = counting();
    expect(ages(await pairWith(host.deps, 'a'))).toEqual([0, -150]);
    expect([host.counts(), host.kept() === undefined]).toEqual([2, false]);
  });

  it('those who ask at about the same time share one count', async () => {
    const host = counting(pair(90_000, 99_000));
    expect(ages(await pairWith(host.deps, 'a'))).toEqual([10_000, 1_000]);
    expect(host.counts()).toBe(0);
  });

  it('who asks for a machine that is younger than the last count counts again', async () => {
    const host = counting(pair(90_000, 99_000));
    await pairWith(host.deps, 'newcomer');
    expect(host.counts()).toBe(1);
  });

  it('who asks later counts once, against the last count', async () => {
    const host = counting(pair(90_000, 98_000));
    expect(ages(await pairWith(host.deps, 'a'))).toEqual([2_000, 0]);
    expect(host.counts()).toBe(1);
  });

  it('a count of long ago says nothing of now', async () => {
    const host = counting(pair(-400_000, -300_000));
    expect(ages(await pairWith(host.deps, 'a'))).toEqual([0, -150]);
  });

  it('a process that counts regularly has a pair from its second count on', () => {
    const first = followingPair(undefined, sampleAt(1000), 'boot-a');
    expect('baseline' in first).toBe(false);
    const second = followingPair(first, sampleAt(3000), 'boot-a');
    expect(second).toEqual(pair(1000, 3000));
    expect(followingPair(second, sampleAt(5000), 'boot-a')).toEqual(pair(3000, 5000));
  });
});

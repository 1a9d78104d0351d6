import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DomainState, isOn, type MachineMetadata } from '../../src/domain/domain-state.ts';
import { GuestAgentError, HypervisorError } from '../../src/domain/errors.ts';
import type { Uuid } from '../../src/domain/identity.ts';
import type { EventSource, HypervisorEvent } from '../../src/ports/event-source.ts';
import type { GuestAgent, Hypervisor } from '../../src/ports/hypervisor.ts';

/** What a host must offer so that the contract can be tried on it. */
export interface HypervisorSubject {
  readonly hypervisor: Hypervisor;
  readonly agent: GuestAgent;
  readonly events: EventSource;
  /** Defines a domain that is off, with a name full of quotes, and tells what it was made with. */
  create(kind: 'normal' | 'deaf'): Promise<Created>;
  crash(uuid: Uuid): Promise<void>;
  powerOffFromInside(uuid: Uuid): Promise<void>;
  suspendByOperator(uuid: Uuid): Promise<void>;
  corruptSavedImage(uuid: Uuid): Promise<void>;
  /** Nobody can read the disk's header any more. */
  breakDisk(disk: string): Promise<void>;
  /** libvirtd goes away, and comes back. */
  away(): Promise<void>;
  back(): Promise<void>;
  /** Lets time pass until the condition holds; throws after `timeoutMs`. */
  until(condition: () => Promise<boolean>, timeoutMs: number): Promise<void>;
  /** Lets about that much time pass. */
  pass(ms: number): Promise<void>;
  dispose(): Promise<void>;
}

export interface Created {
  readonly uuid: Uuid;
  readonly name: string;
  readonly disk: string;
  /** The backing file of its disk. */
  readonly base: string;
  readonly seed: string;
  readonly mac: string;
}

/** The promises of the ports Hypervisor, GuestAgent and EventSource, tried on any host that claims to keep them. */
export const hypervisorContract = (host: string, setUp: () => Promise<HypervisorSubject>): void => {
  describe(`the hypervisor contract on ${host}`, () => {
    let subject: HypervisorSubject;
    const heard: HypervisorEvent[] = [];
    let deafen = (): void => undefined;

    beforeAll(async () => {
      subject = await setUp();
      deafen = subject.events.lines({ onEvent: (event) => heard.push(event), onEnd: () => undefined });
    }, 120_000);
    afterAll(async () => {
      deafen();
      await subject?.dispose();
    }, 60_000);

    const see = async (uuid: Uuid): Promise<DomainState> => {
      const domain = await subject.hypervisor.look(uuid);
      if (domain === 'absent') throw new Error(`${uuid} is absent`);
      return domain;
    };
    const untilRun = (uuid: Uuid, run: string, timeoutMs = 30_000): Promise<void> =>
      subject.until(async () => (await see(uuid)).run === run, timeoutMs);
    const started = async (kind: 'normal' | 'deaf'): Promise<Created> => {
      const created = await subject.create(kind);
      await subject.hypervisor.start(created.uuid);
      return created;
    };
    const discard = async (uuid: Uuid): Promise<void> => {
      await subject.hypervisor.powerOff(uuid, 'forced');
      await subject.hypervisor.undefine(uuid);
    };
    const booted = async (): Promise<Created> => {
      const created = await started('normal');
      await subject.until(() => subject.agent.ping(created.uuid), 60_000);
      return created;
    };

    it('calls a domain absent only when there is none of that UUID', async () => {
      expect(await subject.hypervisor.look(randomUUID())).toBe('absent');
    });

    it('shows a defined domain as it is, in the list and by itself', async () => {
      const { uuid, name, disk, seed, mac } = await subject.create('deaf');
      const expected = {
        uuid,
        name,
        run: 'off',
        persistent: true,
        hasSavedImage: false,
        agentConnected: false,
        disks: [disk],
        seeds: [seed],
        interfaces: [{ mac, linkUp: true }],
      };
      expect(await see(uuid)).toMatchObject(expected);
      expect((await subject.hypervisor.list()).find((domain) => domain.uuid === uuid)).toMatchObject(expected);
      await subject.hypervisor.undefine(uuid);
    });

    it('names every file that a domain’s disks read, on and off, or says that it cannot (L3)', async () => {
      const { uuid, disk, base, seed } = await subject.create('deaf');
      const paths = async () => (await subject.hypervisor.diskFiles(uuid)).map(({ path }) => path).sort();
      expect(await paths()).toEqual([disk, base, seed].sort());
      await subject.hypervisor.start(uuid);
      expect(await paths()).toEqual([disk, base, seed].sort());
      await subject.hypervisor.powerOff(uuid, 'forced');
      await subject.breakDisk(disk);
      await expect(subject.hypervisor.diskFiles(uuid)).rejects.toMatchObject({
        code: 'disk-chain-unknown',
        retryable: true,
      });
      await subject.hypervisor.undefine(uuid);
      expect(await subject.hypervisor.diskFiles(uuid)).toEqual([]);
    });

    it('starts, and takes a second start for done', async () => {
      const { uuid } = await started('deaf');
      await subject.hypervisor.start(uuid);
      expect((await see(uuid)).run).toBe('running');
      await discard(uuid);
    });

    it('powers off gracefully and by force, and takes an off or absent domain for done', async () => {
      const { uuid } = await started('deaf');
      await subject.hypervisor.powerOff(uuid, 'graceful');
      expect(await see(uuid)).toMatchObject({ run: 'off', reason: 'destroyed' });
      await subject.hypervisor.start(uuid);
      await subject.hypervisor.powerOff(uuid, 'forced');
      expect(await see(uuid)).toMatchObject({ run: 'off', reason: 'destroyed' });
      await subject.hypervisor.powerOff(uuid, 'forced');
      await subject.hypervisor.powerOff(uuid, 'graceful');
      await subject.hypervisor.powerOff(randomUUID(), 'forced');
      await subject.hypervisor.undefine(uuid);
    });

    it('limits a domain that is on until it goes off, shows what is in force, and leaves an off one alone', async () => {
      const { uuid } = await subject.create('deaf');
      await expect(subject.hypervisor.limit(uuid, { readIops: 100 })).rejects.toMatchObject({ code: 'domain-off' });
      await subject.hypervisor.start(uuid);
      expect((await see(uuid)).limits).toEqual({});
      await subject.hypervisor.limit(uuid, { readIops: 100, writeIops: 50 });
      expect((await see(uuid)).limits).toEqual({ readIops: 100, writeIops: 50 });
      await subject.hypervisor.limit(uuid, { writeIops: 50 });
      expect((await see(uuid)).limits).toEqual({ writeIops: 50 });
      await subject.hypervisor.powerOff(uuid, 'forced');
      await subject.hypervisor.start(uuid);
      expect((await see(uuid)).limits).toEqual({});
      await discard(uuid);
    });

    it('keeps "since when" while a state lasts, and begins anew with the next one (L7)', async () => {
      const { uuid } = await subject.create('deaf');
      const first = await see(uuid);
      await subject.pass(20);
      expect((await see(uuid)).sinceUnixMs).toBe(first.sinceUnixMs);
      await subject.hypervisor.start(uuid);
      await subject.pass(20);
      expect((await see(uuid)).sinceUnixMs).toBeGreaterThan(first.sinceUnixMs);
      await discard(uuid);
    });

    it('asks a deaf guest to shut down without harm and without effect, and an off one without complaint', async () => {
      const { uuid } = await started('deaf');
      await subject.hypervisor.requestShutdown(uuid, 'acpi');
      await subject.pass(500);
      expect((await see(uuid)).run).toBe('running');
      await subject.hypervisor.powerOff(uuid, 'forced');
      await subject.hypervisor.requestShutdown(uuid, 'acpi');
      await subject.hypervisor.undefine(uuid);
    });

    it('says that a paused guest cannot obey, and resumes it', async () => {
      const { uuid } = await started('deaf');
      await subject.suspendByOperator(uuid);
      expect(await see(uuid)).toMatchObject({ run: 'paused', reason: 'user' });
      await expect(subject.hypervisor.requestShutdown(uuid, 'acpi')).rejects.toMatchObject({ code: 'domain-paused' });
      await subject.hypervisor.resumePaused(uuid);
      expect((await see(uuid)).run).toBe('running');
      await discard(uuid);
    });

    it('leaves a guest running that was started while paused: paused is never the outcome', async () => {
      const { uuid } = await started('deaf');
      await subject.suspendByOperator(uuid);
      await subject.hypervisor.start(uuid);
      expect((await see(uuid)).run).toBe('running');
      await discard(uuid);
    });

    it('saves, says so, and restores from the image', async () => {
      const { uuid } = await started('deaf');
      await subject.hypervisor.save(uuid);
      expect(await see(uuid)).toMatchObject({ run: 'off', reason: 'saved', hasSavedImage: true });
      await subject.hypervisor.start(uuid);
      expect(await see(uuid)).toMatchObject({ run: 'running', hasSavedImage: false });
      await subject.hypervisor.save(uuid);
      await subject.hypervisor.dropSavedImage(uuid);
      expect((await see(uuid)).hasSavedImage).toBe(false);
      await subject.hypervisor.dropSavedImage(uuid);
      await subject.hypervisor.undefine(uuid);
    });

    it('tells a damaged saved image from other failures, and boots once it is dropped', async () => {
      const { uuid } = await started('deaf');
      await subject.hypervisor.save(uuid);
      await subject.corruptSavedImage(uuid);
      await expect(subject.hypervisor.start(uuid)).rejects.toMatchObject({ code: 'saved-image-corrupt' });
      expect(isOn(await see(uuid))).toBe(false);
      await subject.hypervisor.dropSavedImage(uuid);
      await subject.hypervisor.start(uuid);
      expect((await see(uuid)).run).toBe('running');
      await discard(uuid);
    });

    it('refuses to undefine a domain that is on, undefines it with its saved image, and defines it again', async () => {
      const { uuid, name } = await started('deaf');
      await expect(subject.hypervisor.undefine(uuid)).rejects.toBeInstanceOf(HypervisorError);
      expect(await see(uuid)).toMatchObject({ run: 'running', persistent: true });
      await subject.hypervisor.save(uuid);
      const xml = await subject.hypervisor.definition(uuid);
      await subject.hypervisor.undefine(uuid);
      expect(await subject.hypervisor.look(uuid)).toBe('absent');
      await subject.hypervisor.undefine(uuid);
      await subject.hypervisor.define(xml);
      expect(await see(uuid)).toMatchObject({ uuid, name, run: 'off', hasSavedImage: false });
      await subject.hypervisor.undefine(uuid);
    });

    it('writes our metadata on a domain that is off and on one that is on, and an event says so', async () => {
      const { uuid, name } = await subject.create('deaf');
      const contract = '0x00000000000000000000000000000000000000ff';
      const metadata = (subscriptionId: bigint): MachineMetadata => ({
        schema: 1,
        uuid,
        subscription: { chainId: 31337, contract, subscriptionId },
      });
      await subject.hypervisor.writeMetadata(uuid, metadata(1n));
      expect((await see(uuid)).metadata).toEqual(metadata(1n));
      await subject.hypervisor.start(uuid);
      const before = heard.length;
      await subject.hypervisor.writeMetadata(uuid, metadata(2n ** 200n));
      expect((await see(uuid)).metadata).toEqual(metadata(2n ** 200n));
      const isEcho = (event: HypervisorEvent) =>
        event.kind === 'event' && event.event === 'metadata-change' && event.domain === name;
      await subject.until(async () => heard.slice(before).some(isEcho), 20_000);
      await subject.hypervisor.powerOff(uuid, 'forced');
      expect((await see(uuid)).metadata).toEqual(metadata(2n ** 200n));
      await subject.hypervisor.undefine(uuid);
    });

    it('sets a link for now and for the next start', async () => {
      const { uuid, mac } = await subject.create('deaf');
      await subject.hypervisor.setLink(uuid, mac, false);
      expect((await see(uuid)).interfaces).toEqual([{ mac, linkUp: false }]);
      await subject.hypervisor.start(uuid);
      expect((await see(uuid)).interfaces).toEqual([{ mac, linkUp: false }]);
      await subject.hypervisor.setLink(uuid, mac, true);
      expect((await see(uuid)).interfaces).toEqual([{ mac, linkUp: true }]);
      await subject.hypervisor.powerOff(uuid, 'forced');
      expect((await see(uuid)).interfaces).toEqual([{ mac, linkUp: true }]);
      await subject.hypervisor.undefine(uuid);
    });

    it('tells a killed qemu from a shutdown, and an event says so', async () => {
      const { uuid, name } = await started('deaf');
      const before = heard.length;
      await subject.crash(uuid);
      await untilRun(uuid, 'off');
      expect((await see(uuid)).reason).toBe('crashed'); // while its event says Failed
      const said = { kind: 'event', event: 'lifecycle', domain: name, detail: 'Stopped Failed' };
      await subject.until(async () => heard.slice(before).some((event) => matches(event, said)), 20_000);
      await subject.hypervisor.undefine(uuid);
    });

    it('hears from the agent of a booted guest, runs programs there, and shuts it down by the power button', async () => {
      const { uuid } = await booted();
      expect((await see(uuid)).agentConnected).toBe(true);
      const text = `it's "quoted"; ünd $HOME`;
      expect(await subject.agent.exec(uuid, ['/bin/echo', text], { timeoutMs: 10_000 })).toEqual({
        exitCode: 0,
        stdout: `${text}\n`,
        stderr: '',
      });
      expect((await subject.agent.exec(uuid, ['/bin/false'], { timeoutMs: 10_000 })).exitCode).toBe(1);
      await expect(subject.agent.exec(uuid, ['/no/such'], { timeoutMs: 5_000 })).rejects.toBeInstanceOf(
        GuestAgentError,
      );
      const captured = await subject.agent.capture(uuid, ['/bin/echo', text], { timeoutMs: 10_000 });
      expect({ ...captured, stdout: String(captured.stdout), stderr: String(captured.stderr) }).toEqual({
        exitCode: 0,
        stdout: `${text}\n`,
        stderr: '',
        cut: false,
      });
      await subject.hypervisor.requestShutdown(uuid, 'acpi');
      await untilRun(uuid, 'off');
      expect(await see(uuid)).toMatchObject({ reason: 'shutdown', agentConnected: false });
      expect(await subject.agent.ping(uuid)).toBe(false);
      await expect(subject.agent.exec(uuid, ['/bin/true'], { timeoutMs: 1_000 })).rejects.toMatchObject({
        code: 'domain-off',
      });
      await subject.hypervisor.undefine(uuid);
    }, 120_000);

    it('sees that an owner powered the guest off from inside (D16)', async () => {
      const { uuid } = await booted();
      await subject.powerOffFromInside(uuid);
      await untilRun(uuid, 'off');
      expect((await see(uuid)).reason).toBe('shutdown');
      await subject.hypervisor.undefine(uuid);
    }, 120_000);

    it('never calls a domain absent while libvirt is away: every call fails and may be tried again (L3)', async () => {
      const { uuid } = await subject.create('deaf');
      await subject.away();
      const away = { name: 'HypervisorError', retryable: true };
      await expect(subject.hypervisor.look(uuid)).rejects.toMatchObject(away);
      await expect(subject.hypervisor.list()).rejects.toMatchObject(away);
      await expect(subject.hypervisor.start(uuid)).rejects.toMatchObject(away);
      await expect(subject.hypervisor.undefine(uuid)).rejects.toMatchObject(away);
      expect(await subject.agent.ping(uuid)).toBe(false);
      await subject.back();
      expect((await see(uuid)).run).toBe('off');
      await subject.hypervisor.undefine(uuid);
    }, 60_000);
  });
};

const matches = (event: HypervisorEvent, wanted: Record<string, string>): boolean =>
  Object.entries(wanted).every(([key, value]) => (event as Record<string, unknown>)[key] === value);

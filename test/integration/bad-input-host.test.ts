import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPaths } from '../../src/config/paths.ts';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { createLog } from '../../src/drivers/log/create-log.ts';
import { openOurJournal } from '../../src/host/open-journal.ts';
import { createDaemonProcess } from '../demo/daemon-process.ts';
import { isAlive, until } from '../lab/processes.ts';
import { repositoryPath } from '../lab/repository.ts';
import { startRpcProxy } from '../lab/rpc-proxy.ts';
import { listenAsManager } from '../support/manager.ts';
import { mountTinyDisk, type TinyDisk } from '../support/tiny-disk.ts';
import { type Bench, createSite, openBench, type Site } from './daemon-harness.ts';
import { bootMachine, type Machine, textOf, untilPast, untilSuspended } from './daemon-harness-machine.ts';

/** Room for the journal of this test many times over. */
const DISK_KIBIBYTES = 16 * 1024;

/** Time for a machine to be made and seen as paid, on a host that has more to do; then the fault, so long before its end. */
const PAID_SECONDS = 20;
const FAULT_BEFORE_MS = 4_000;
const UNREACHABLE = /warn .*(libvirt|virsh)/;

/** libvirtd, or the disk below the state directory, fails across an expiry. */
describe('a host with a fault across an expiry', () => {
  let bench: Bench;
  let site: Site;
  let disk: TinyDisk | undefined;
  let made = 0;

  const note = (text: string): void => void process.stderr.write(`  [bad input] ${text}\n`);
  const linesSince = (from: number): string[] =>
    site.daemon
      .log()
      .slice(from)
      .filter(({ level }) => level !== 'info')
      .map((line) => `${line.level} ${textOf(line)}`);

  const sell = async (seconds: number): Promise<Machine> => {
    const [market] = bench.markets;
    if (market === undefined) throw new Error('no market');
    made += 1;
    const where = { chainId: bench.chain.chainId, contract: market.address, customer: market.customer };
    return bootMachine(bench, site, { name: `blockhost-80${made}`, ...where, sale: await market.buy(seconds) });
  };

  const untilPaid = async (machine: Machine): Promise<void> => {
    await site.daemon.start();
    site.daemon.nudge();
    const seen = (): boolean =>
      site.daemon.log().some(({ fields }) => fields.uuid === machine.guest.uuid && fields.row === 'goes-on');
    await until('the daemon has seen it as paid', seen);
    await untilPast(machine, -FAULT_BEFORE_MS);
    expect(machine.expiresAtMs).toBeGreaterThan(Date.now());
  };

  beforeAll(async () => {
    bench = await openBench(1);
    const [market] = bench.markets;
    const proxies = await Promise.all([startRpcProxy(bench.chain.url), startRpcProxy(bench.chain.url)]);
    for (const proxy of proxies) bench.cleaner.defer('RPC proxy', () => proxy.stop());
    const endpoints = proxies.map(({ url }) => url);
    const chain = { chainId: bench.chain.chainId, endpoints, contract: market?.address ?? '' };
    site = await createSite(bench, { name: 'host', chains: [chain] });
    disk = mountTinyDisk(DISK_KIBIBYTES);
    if (disk === undefined) return;
    const mounted = disk;
    await execa('mount', ['--bind', mounted.dir, site.stateDir]);
    bench.cleaner.defer('tiny disk', async () => {
      await site.daemon.kill9();
      await execa('umount', ['-l', site.stateDir]);
      mounted.remove();
    });
  }, 120_000);

  afterAll(async () => bench?.cleaner.clean(), 60_000);

  it('waits for a libvirtd that is not there at start, and says so', async () => {
    const machine = await sell(5);
    await bench.libvirt.down();
    const from = site.daemon.log().length;
    await site.daemon.start();
    try {
      await untilPast(machine, 5_000);
      await until('it says so', () => UNREACHABLE.test(linesSince(from).join('\n')));
      note(linesSince(from).join('\n      '));
      expect(await machine.harm({ blind: true })).toEqual([]);
      expect(site.daemon.pid).toBeDefined();
    } finally {
      await bench.libvirt.up();
    }
    note(`suspended ${await untilSuspended(machine)} ms after libvirtd came`);
    await machine.remove();
  });

  it('harms nothing while libvirtd hangs across an expiry, and makes up for it afterwards', async () => {
    const machine = await sell(PAID_SECONDS);
    await untilPaid(machine);
    const from = site.daemon.log().length;
    const frozenMs = Date.now();
    bench.libvirt.freeze();
    try {
      await untilPast(machine, 5_000);
      await until('it says that libvirt does not answer', () => UNREACHABLE.test(linesSince(from).join('\n')));
      note(`${Date.now() - frozenMs} ms until it said so`);
      expect(isAlive(machine.qemu)).toBe(true);
      expect(site.daemon.pid).toBeDefined();
    } finally {
      bench.libvirt.thaw();
    }
    const lines = linesSince(from);
    note(lines.join('\n      '));
    expect(lines.length).toBeLessThanOrEqual(8);
    note(`suspended ${await untilSuspended(machine)} ms after libvirtd answered again`);
    await machine.remove();
  });

  it('harms nothing on a full disk, says so, and goes on when there is room (L4)', async ({ skip }) => {
    if (disk === undefined) return skip('a file system of its own needs root');
    const machine = await sell(PAID_SECONDS);
    await untilPaid(machine);
    const filler = join(site.stateDir, 'filler');
    const from = site.daemon.log().length;
    fill(filler);
    await fillJournal(site, machine);
    await untilPast(machine, 6_000);
    const full = /cannot append to the journal .*(full|room|space)/;
    await until('it says that the disk is full', () => full.test(linesSince(from).join('\n')));
    const lines = linesSince(from);
    note(`${lines.length} lines: ${lines.slice(0, 12).join('\n      ')}`);
    expect(await machine.harm()).toEqual([]);
    expect(site.daemon.pid).toBeDefined();
    rmSync(filler);
    note(`suspended ${await untilSuspended(machine)} ms after there was room`);
    expect(await bench.stranger.faults()).toEqual([]);
    await machine.remove();
  });

  it('is what its systemd unit leaves of it: it works in there, and tells systemd how it is', async ({ skip }) => {
    if (disk === undefined) return skip('a mount namespace needs root');
    await site.daemon.stop();
    const manager = await listenAsManager(join(bench.directory, 'notify'));
    bench.cleaner.defer('manager', async () => manager.stop());
    const unit = repositoryPath('systemd/blockhost-provisioner.service');
    const sandbox = [repositoryPath('test/support/unit-sandbox.sh'), repositoryPath('test/python/unit_filter.py')];
    const daemon = createDaemonProcess({
      env: { ...site.env, NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '3000000' },
      logFile: join(bench.directory, 'sandboxed.log'),
      through: ['unshare', '--mount', '--propagation', 'private', ...sandbox, unit, site.root],
    });
    bench.cleaner.defer('daemon', () => daemon.kill9());
    await daemon.start();
    await until('it says that it is ready', () => manager.words().some((word) => word.includes('READY=1')));
    const machine = await sell(5);
    await untilPast(machine, 0);
    note(`suspended ${await untilSuspended(machine)} ms after its expiry, in the sandbox`);
    const events = (): boolean =>
      daemon.log().some(({ msg, fields }) => msg === 'libvirt event' && fields.uuid === machine.guest.uuid);
    await until('it hears events in there', events);
    expect(
      daemon
        .log()
        .filter(({ msg }) => /EPERM|EACCES|EROFS/.test(msg))
        .map(textOf),
    ).toEqual([]);
    expect(
      daemon
        .log()
        .filter(({ level }) => level === 'error')
        .map(textOf),
    ).toEqual([]);
    expect(readFileSync(`/proc/${daemon.pid}/status`, 'utf8')).toMatch(
      /CapEff:\s+0+\n[\s\S]*NoNewPrivs:\s+1\nSeccomp:\s+2/,
    );
    const fed = (): number => manager.words().filter((word) => word.includes('WATCHDOG=1')).length;
    const before = fed();
    await until('its watchdog is fed', () => fed() > before + 1);
    expect(await daemon.stop()).toBe(0);
    expect(manager.words()[0]).toMatch(/^READY=1\nSTATUS=machines: \d+; nothing harmful before it has seen: /);
    expect(manager.words().at(-1)).toBe('STOPPING=1\nSTATUS=ends what is under way');
    expect(await bench.stranger.faults()).toEqual([]);
  });
});

/** Writes until nothing fits any more, down to the last byte. */
const fill = (path: string): void => {
  for (const size of [1024 * 1024, 4096, 64, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
};

/** Uses up what is left of the journal's last block: an intent that still fits there is written, and rightly so. */
const fillJournal = async ({ env }: Site, { guest, expiresAtUnix }: Machine): Promise<void> => {
  const deps = { paths: createPaths(env), clock: createSystemClock(), log: createLog({ level: 'silent' }) };
  const journal = await openOurJournal(deps);
  try {
    const again = { kind: 'expiry-read', uuid: guest.uuid, expiresAtUnix } as const;
    await expect(
      (async () => {
        for (;;) await journal.append([again]);
      })(),
    ).rejects.toThrow('no space left');
  } finally {
    await journal.close();
  }
};

import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { until } from '../lab/processes.ts';
import { repositoryPath } from '../lab/repository.ts';
import { type Generation, installEngine, openEngine, type WalkEngine } from './walk-engine.ts';
import { finalizing, GRACE_SECONDS, openWalkHost, type WalkHost } from './walk-host.ts';
import { createLife, SLOW } from './walk-life.ts';
import { brought, openService, type Service } from './walk-service.ts';
import { createTranscript } from './walk-transcript.ts';
import { AGENT_SOCKET, openDaemon, startRootAgent, type WalkDaemon, type Watch, watch } from './walk-world.ts';

/*
 * All pieces together on one host: the package as dpkg installs it, at its real paths, each program as the user and in the
 * sandbox that its unit gives it; both engines, root agent, libvirtd with guests, and a chain. What nobody but a service
 * manager as pid 1 does is named in test/support/unit-file.ts. What happened is written down in dist/sandboxed-walk.txt.
 */

const TRANSCRIPT = 'dist/sandboxed-walk.txt';
const STATE = '/var/lib/blockhost';
const LIMITS = { timeout: 600_000 };
const WHY_NOT = 'a host of its own needs root and mount namespaces';

/** A service tells of each of these whether it may write there. */
const PLACES = [
  ...['/', '/etc', '/etc/blockhost', '/usr/bin', '/opt/blockhost', '/srv/open', '/home', '/var/log', '/run'],
  ...['/run/libvirt', '/run/blockhost', '/run/blockhost-provisioner', '/proc/sys/kernel', '/tmp', '/var/tmp'],
  ...[STATE, `${STATE}/vms`],
];
const OWN = ['/tmp', '/var/tmp', STATE, `${STATE}/vms`];
/** What every program of the host's user and group may read and write. */
const SHARED = [
  ...[`2771 blockhost:blockhost ${STATE}`, `660 blockhost:blockhost ${STATE}/vms.json`],
  ...[`660 blockhost:blockhost ${STATE}/vms.json.lock`, `2771 blockhost:blockhost ${STATE}/provisioner`],
  ...[`660 blockhost:blockhost ${STATE}/provisioner/journal.ndjson`],
  ...[`2770 blockhost:blockhost ${STATE}/provisioner/locks`],
];

describe('a host with everything on it, each program in its sandbox', () => {
  const transcript = createTranscript();
  let host: WalkHost;
  let world: Watch;
  let daemon: WalkDaemon;
  let nightly: Service;
  let engine: WalkEngine | undefined;
  let life: ReturnType<typeof createLife>;
  /** How long a purchase takes here: none may run out before its machine is made. */
  let paceSeconds = 60;

  beforeAll(async () => {
    if (!namespacesAllowed()) return;
    transcript.chapter('A Debian gets the package, its first boot, and what the wizard was told');
    host = await openWalkHost(transcript);
    world = watch(host, transcript);
    const agent = await startRootAgent(host);
    await installEngine(host);
    await host.root.write('etc/installer.service', '[Service]\nPrivateTmp=yes\n');
    const installer = await openService(host, '/etc/installer.service');
    expect(await world.run('installer, root', installer, finalizing())).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(
        /^blockhost-provisioner\.service was not restarted: systemd does not run on this host\n?$/,
      ),
    });
    expect(await host.root.out("stat -c '%a %U:%G' /etc/blockhost/db.yaml")).toBe('640 root:blockhost');
    // The installer's last step.
    await host.root.out(`chown -R blockhost:blockhost ${STATE}`);
    nightly = await openService(host, '/usr/lib/systemd/system/blockhost-gc.service');
    daemon = await openDaemon(host);
    await daemon.start();
    life = createLife(host, world, agent, transcript);
  }, 600_000);

  afterEach(async () => engine?.stop());

  afterAll(async () => {
    if (host === undefined) return;
    transcript.chapter('What the daemon said that was more than information');
    const lines = daemon?.process.log().filter(({ level }) => level !== 'info') ?? [];
    for (const { level, msg, fields } of lines) transcript.saw(level, `${msg} ${JSON.stringify(fields)}`);
    await transcript.save(repositoryPath(TRANSCRIPT));
    await host.cleaner.clean();
  }, 60_000);

  const engineOf = async (generation: Generation): Promise<WalkEngine> => {
    engine = await openEngine(host, generation, transcript);
    await engine.start();
    return engine;
  };

  /** What a service may do, as it finds out itself. */
  const probe = async (who: string, service: Service): Promise<readonly string[]> =>
    (await world.run(who, service, [brought('unit-probe.sh'), ...PLACES])).stdout.split('\n');
  const writes = (...places: readonly string[]): readonly string[] =>
    PLACES.filter((place) => places.includes(place)).map((place) => `writes ${place}`);
  /** What those of user blockhost have in common; a filter of system calls is in the provisioner's units alone. */
  const limits = (filtered: boolean): readonly string[] => [
    'an open directory: Read-only file system',
    ...(filtered ? [] : ['opens other sockets']),
    ...['blockhost', 'blockhost libvirt', 'CapEff:\t0000000000000000', 'CapBnd:\t0000000000000000'],
    ...['NoNewPrivs:\t1', `Seccomp:\t${filtered ? 2 : 0}`],
  ];
  const quarantined = (): Promise<string[]> => readdir(join(host.root.dir, STATE, 'provisioner/quarantine'));

  it('lets the older engine make a machine and destroy it, beside the daemon', LIMITS, async ({ skip }) => {
    if (!namespacesAllowed()) return skip(WHY_NOT);
    const older = await engineOf('older');
    transcript.chapter('What the sandboxes leave');
    expect(await probe('engine (older)', older.service)).toEqual([...writes(...OWN), ...limits(false)]);
    expect(await probe('daemon', daemon.service)).toEqual([
      ...writes(...OWN, '/run/blockhost-provisioner'),
      ...limits(true),
    ]);
    expect(existsSync(join(host.root.dir, 'tmp/of-a-service'))).toBe(false);

    const [, customer = ''] = host.chain.accounts;
    const bought = await life.buy(older, 'blockhost-001', customer, 3600);
    paceSeconds = bought.tookSeconds;
    await life.extend(older, bought, 5);

    transcript.chapter(`${bought.name}: cancellation, and the engine hears it`);
    await host.chain.cancel(bought.id);
    await until('the cancellation is dealt with', () => older.handled() === 3, SLOW);
    expect(older.calls().map(({ verb, exitCode }) => [verb, exitCode])).toEqual([
      ['create', 0],
      ['destroy', 0],
    ]);
    await world.note(bought.name, bought.id);
    await life.expectGone(bought);
    expect([await quarantined(), older.failures()]).toEqual([[], []]);
  });

  it('takes a customer of the newer engine from purchase to grace, daemon or none', LIMITS, async ({ skip }) => {
    if (!namespacesAllowed()) return skip(WHY_NOT);
    const newer = await engineOf('newer');
    transcript.chapter('What the other sandboxes leave');
    expect(await probe('engine (newer)', newer.service)).toEqual([
      ...writes(...OWN, '/run/blockhost'),
      ...limits(false),
    ]);
    expect(await probe('nightly look', nightly)).toEqual([...writes(...OWN), ...limits(true)]);

    const name = 'blockhost-002';
    const [, , customer = ''] = host.chain.accounts;
    const bought = await life.buy(newer, name, customer, 15 + 2 * paceSeconds);
    expect(newer.calls().map(({ verb, exitCode }) => [verb, exitCode])).toEqual([
      ['create', 0],
      ['update-gecos', 0],
    ]);
    expect(newer.notes()).toEqual([`Error: ${name} exists already`]);
    await life.extend(newer, bought, 5);

    transcript.chapter(`${name}: it runs out while the daemon is away, and the nightly look comes`);
    expect(await daemon.stop()).toBe(0);
    await until('its time is over', () => life.isOver(bought, 1n), SLOW);
    const [program = '', ...argv] = nightly.unit.words('ExecStart') ?? [];
    expect(await world.run('nightly look', nightly, [program])).toMatchObject({ exitCode: 0 });
    expect(await world.domain(name)).toBe('running');
    expect(await world.run('nightly look', nightly, [program, ...argv])).toMatchObject({ exitCode: 0 });
    expect(await world.domain(name)).toBe('shut off');
    expect(await world.settled(name, bought.id, 'suspended')()).toBe(true);
    await world.note(name, bought.id);
    await life.payLate(newer, bought);

    transcript.chapter(`${name}: what else is asked of the host`);
    const ask = (...words: readonly string[]) => world.run('engine (newer)', newer.service, words);
    expect((await ask('/usr/bin/blockhost-vm-status', name)).stdout).toBe('active');
    expect(JSON.parse((await ask('/usr/bin/blockhost-vm-list', '--format', 'json')).stdout)).toEqual([
      expect.objectContaining({ name: 'blockhost-001', status: 'destroyed' }),
      expect.objectContaining({ name, status: 'active', ip: '10.77.0.10' }),
    ]);
    expect(JSON.parse((await ask('/usr/bin/blockhost-vm-metrics', name)).stdout)).toMatchObject({ state: 'running' });
    const client = ['/usr/bin/python3', brought('ask_root_agent.py'), AGENT_SOCKET, 'virsh-guest-exec'];
    const params = JSON.stringify({ domain: name, command: ['/bin/echo', 'from the guest'] });
    const answers = async (): Promise<boolean> => (await ask(...client, params)).exitCode === 0;
    await until('the root agent reaches the guest', answers, { ...SLOW, everyMs: 1_000 });

    transcript.chapter(`${name}: cancellation while the engine is away, and the daemon finds it`);
    await newer.stop();
    await host.chain.cancel(bought.id);
    await daemon.start();
    const stands = async (): Promise<unknown> => (await world.record(name))?.status;
    await until('it is suspended', async () => (await stands()) !== 'active', SLOW);
    await world.note(name, bought.id);
    await until('it is destroyed after its grace', async () => (await stands()) === 'destroyed', SLOW);
    await life.expectGone(bought);
    await world.note(name, bought.id);
    const record = await world.record(name);
    const graceMs = Date.parse(String(record?.destroyed_at)) - Date.parse(String(record?.suspended_at));
    expect(graceMs).toBeGreaterThanOrEqual(GRACE_SECONDS * 1000);
    expect(await quarantined()).toHaveLength(1);
    expect((await ask('/usr/bin/blockhost-vm-status', name)).stdout).toBe('destroyed');
    expect(newer.failures()).toEqual([]);

    transcript.chapter('What is left, and whose it is');
    const left = await host.root.out(`find ${STATE} -printf '%m %u:%g %p\\n' | sort -k 3`);
    transcript.saw('files', left);
    expect(await host.root.out(`find ${STATE} -perm /o=w ! -type l`)).toBe('');
    expect(left.split('\n')).toEqual(expect.arrayContaining(SHARED));
    const said = daemon.process.log();
    expect(said.filter(({ level, msg }) => level === 'error' || /EPERM|EACCES|EROFS/.test(msg))).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  });
});

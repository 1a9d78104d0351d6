import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { type AskRootAgent, createRootAgent } from '../../src/drivers/root-agent/client.ts';
import { createDaemonProcess, type DaemonProcess } from '../demo/daemon-process.ts';
import { until } from '../lab/processes.ts';
import { readLedger } from '../support/engines/ledger.ts';
import { listenAsManager, type Manager } from '../support/manager.ts';
import type { WalkHost } from './walk-host.ts';
import { brought, openService, type Service } from './walk-service.ts';
import type { Ended, Transcript } from './walk-transcript.ts';

export const AGENT_SOCKET = '/run/blockhost/root-agent.sock';

/** The root agent as the host has it: root, one socket for the host's group, all plug-ins that packages brought. */
const AGENT = `[Service]
User=root
Group=blockhost
UMask=0007
RuntimeDirectory=blockhost
RuntimeDirectoryMode=2770
PrivateTmp=yes
ExecStart=/usr/bin/python3 ${brought('root_agent.py')} ${AGENT_SOCKET} usual /usr/share/blockhost/root-agent-actions
`;
const AGENT_UNIT = '/usr/lib/systemd/system/blockhost-root-agent.service';
const NOTIFY = '/run/systemd/notify';

export const startRootAgent = async (host: WalkHost): Promise<AskRootAgent> => {
  const { root, cleaner } = host;
  await root.write(AGENT_UNIT.slice(1), AGENT);
  const service = await openService(host, AGENT_UNIT);
  await service.begin();
  const [program = '', ...argv] = service.argv();
  const agent = spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  cleaner.defer('root agent', async () => void agent.kill('SIGKILL'));
  await Promise.race([once(agent.stdout, 'data'), once(agent, 'exit')]);
  if (agent.exitCode !== null) throw new Error(`the root agent ended with exit code ${agent.exitCode}`);
  const socketPath = join(root.dir, AGENT_SOCKET);
  return createRootAgent({ socketPath, clock: createSystemClock(), timeoutMs: 30_000 });
};

/** The daemon by the unit that the package brings, and what it tells its manager. */
export interface WalkDaemon {
  readonly service: Service;
  readonly process: DaemonProcess;
  readonly manager: Manager;
  start(): Promise<void>;
  stop(): Promise<number | null>;
}

export const openDaemon = async (host: WalkHost): Promise<WalkDaemon> => {
  const { root, cleaner, directory } = host;
  await mkdir(dirname(join(root.dir, NOTIFY)), { recursive: true });
  const manager = await listenAsManager(join(root.dir, NOTIFY));
  cleaner.defer('manager', async () => manager.stop());
  await root.out(`chmod 777 ${NOTIFY}`);
  const environment = [`NOTIFY_SOCKET=${NOTIFY}`, 'WATCHDOG_USEC=3000000'];
  const service = await openService(host, '/usr/lib/systemd/system/blockhost-provisioner.service', environment);
  const process = createDaemonProcess({
    env: {},
    logFile: join(directory, 'daemon.log'),
    through: service.argv([]),
    program: service.unit.words('ExecStart') ?? [],
  });
  cleaner.defer('daemon', () => process.kill9());
  return {
    service,
    process,
    manager,
    start: async () => {
      await service.begin();
      const before = manager.words().length;
      await process.start();
      const ready = (): boolean =>
        manager
          .words()
          .slice(before)
          .some((word) => word.includes('READY=1'));
      await until('the daemon tells its manager that it is ready', ready);
    },
    stop: async () => {
      const code = await process.stop();
      await service.end();
      return code;
    },
  };
};

/** What anybody may do and see who is outside of it all. */
export const watch = ({ root, libvirt, chain }: WalkHost, transcript: Transcript) => {
  const at = (path: string): string => join(root.dir, path);
  const record = async (name: string) => (await readLedger(at('var/lib/blockhost/vms.json'))).vms[name];
  const domain = async (name: string): Promise<string> =>
    (await libvirt.tryVirsh('domstate', '--domain', name)).stdout.trim() || 'absent';
  return {
    record,
    domain,
    ledger: () => readLedger(at('var/lib/blockhost/vms.json')),
    /** The record says so, and its expiry is the chain's to the second. */
    settled: (name: string, id: bigint, status: string) => async (): Promise<boolean> => {
      const [now, { expiresAtUnix }] = [await record(name), await chain.subscription(id)];
      return now?.status === status && Date.parse(String(now.expires_at)) === Number(expiresAtUnix) * 1000;
    },
    /** Puts all of it into the transcript. */
    note: async (name: string, id: bigint): Promise<void> => {
      const { status, expires_at, ip_address, ipv6_address, owner_wallet } = (await record(name)) ?? {};
      transcript.saw(`virsh domstate ${name}`, await domain(name));
      transcript.saw('vms.json', { status, expires_at, ip_address, ipv6_address, owner_wallet });
      const { expiresAtUnix, cancelled } = await chain.subscription(id);
      transcript.saw('chain', { expires_at: new Date(Number(expiresAtUnix) * 1000).toISOString(), cancelled });
    },
    /** Runs a program as a service would, to its end. */
    run: async (who: string, service: Service, argv: readonly string[]): Promise<Ended> => {
      const [program = '', ...rest] = service.argv(argv);
      const { exitCode, stdout, stderr } = await execa(program, rest, { reject: false, timeout: 120_000 });
      transcript.ran(who, argv, { exitCode, stdout, stderr });
      return { exitCode, stdout, stderr };
    },
  };
};

export type Watch = ReturnType<typeof watch>;

import { mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EventRecorder, recordEvents } from './event-recorder.ts';
import { type LibvirtdOptions, type LibvirtdProcess, launchLibvirtd } from './libvirtd-process.ts';
import { descendants, isAlive, signal, until } from './processes.ts';
import { type Virsh, virshOn } from './virsh.ts';

export type { RecordedEvent } from './event-recorder.ts';

/** A libvirtd of our own, with its recorder of events. Nothing of it is shared with the host's libvirt. */
export interface LibvirtLab extends Virsh, Daemon, Omit<EventRecorder, 'stop'> {
  readonly uri: string;
  readonly mode: 'namespace' | 'session';
  readonly dir: string;
  /** The user that qemu runs as, where it is another one than ours (see `giveTo`). */
  readonly user: number | undefined;
  /** Host pid of the process whose death ends libvirtd and all its qemus. */
  readonly pid: number;
  readonly eventsFile: string;
  /** Host pid of the domain's qemu. */
  qemuPid(domain: string): Promise<number | undefined>;
  /** Kills the domain's qemu with signal 9; resolves to the pid it had. */
  kill9(domain: string): Promise<number>;
  /** Ends all guests and libvirtd and removes what they wrote; the caller's own files in `dir` stay. */
  stop(): Promise<void>;
}

interface Daemon {
  /** Ends libvirtd; guests go on. */
  down(): Promise<void>;
  up(): Promise<void>;
  restart(): Promise<void>;
  /** Stops libvirtd from answering without closing its connections (SIGSTOP). */
  freeze(): void;
  thaw(): void;
}

// What systemd would do after its own patience: SIGTERM waits for workers, and one may wait a minute for a guest agent.
const patienceMs = 5_000;
const ownEntries = ['control', 'dev', 'etc', 'image', 'run', 'var', 'libvirtd.log', 'events.log'];

/** Starts a private libvirtd with all its state below `dir` (short: unix sockets) and waits until it answers. */
export async function startLibvirt({ dir, ...options }: { dir: string } & LibvirtdOptions): Promise<LibvirtLab> {
  await mkdir(dir, { recursive: true });
  const launched = await launchLibvirtd(dir, options);
  const { mode, uri, user, pid } = launched;
  const client = virshOn(uri);
  await firstAnswer(launched, client, dir);
  const eventsFile = join(dir, 'events.log');
  const recorder = recordEvents(uri, eventsFile);
  const hears = (): Promise<void> => awaitRecorder(recorder, client, dir);
  await hears();
  const qemuPid = async (domain: string): Promise<number | undefined> =>
    descendants(pid).find(({ argv }) => argv.includes(`guest=${domain.replaceAll(',', ',,')},debug-threads=on`))?.pid;
  return {
    ...{ uri, mode, dir, user, pid, eventsFile },
    ...client,
    ...daemonControl({ pid, dir, client, hears }),
    events: recorder.events,
    waitEvent: recorder.waitEvent,
    qemuPid,
    kill9: async (domain) => {
      const qemu = await qemuPid(domain);
      if (qemu === undefined) throw new Error(`domain ${domain} has no qemu process`);
      signal(qemu, 'SIGKILL');
      await until(`qemu of ${domain} is gone`, () => !isAlive(qemu));
      return qemu;
    },
    stop: async () => {
      await recorder.stop();
      await end(launched);
      await Promise.all(ownEntries.map((entry) => rm(join(dir, entry), { recursive: true, force: true })));
      await rmdir(dir).catch(() => undefined); // not empty: the caller put something there
    },
  };
}

async function firstAnswer(launched: LibvirtdProcess, client: Virsh, dir: string): Promise<void> {
  const { child } = launched;
  const answers = async (): Promise<boolean> =>
    child.exitCode !== null || (await client.tryVirsh('list')).exitCode === 0;
  try {
    await until('libvirtd answers', answers, { timeoutMs: 60_000 });
    if (child.exitCode !== null) throw new Error(`the private libvirtd ended with exit code ${child.exitCode}`);
  } catch (error) {
    const log = await readFile(join(dir, 'libvirtd.log'), 'utf8').catch(() => '');
    await end(launched);
    throw new Error(`${error instanceof Error ? error.message : error}\n${log.slice(-2000)}`);
  }
}

async function end({ mode, pid }: LibvirtdProcess): Promise<void> {
  const all = [pid, ...descendants(pid).map((below) => below.pid)];
  signal(pid, mode === 'namespace' ? 'SIGKILL' : 'SIGTERM');
  await until('the processes of the private libvirtd end', () => !all.some(isAlive));
}

function daemonControl(deps: { pid: number; dir: string; client: Virsh; hears: () => Promise<void> }): Daemon {
  const { pid, dir, client, hears } = deps;
  const mark = join(dir, 'control/down');
  const libvirtds = (): number[] =>
    descendants(pid).flatMap((below) => (below.command === 'libvirtd' ? [below.pid] : []));
  const signalAll = (pids: number[], name: NodeJS.Signals): void => {
    for (const each of pids) signal(each, name);
  };
  const down = async (): Promise<void> => {
    await writeFile(mark, '');
    const pids = libvirtds();
    const gone = (): boolean => !pids.some(isAlive);
    signalAll(pids, 'SIGTERM');
    await until('libvirtd ends', gone, { timeoutMs: patienceMs }).catch(() => signalAll(pids, 'SIGKILL'));
    await until('libvirtd is gone', gone);
  };
  const up = async (): Promise<void> => {
    await rm(mark, { force: true });
    const answers = async (): Promise<boolean> => (await client.tryVirsh('list')).exitCode === 0;
    await until('libvirtd answers again', answers, { timeoutMs: 60_000 });
    await hears();
  };
  const restart = async (): Promise<void> => {
    await down();
    await up();
  };
  return {
    down,
    up,
    restart,
    freeze: () => signalAll(libvirtds(), 'SIGSTOP'),
    thaw: () => signalAll(libvirtds(), 'SIGCONT'),
  };
}

// `virsh event` says nothing when it is ready, so something must happen for it to see: a domain that never runs comes and goes.
async function awaitRecorder(recorder: EventRecorder, { virsh }: Virsh, dir: string): Promise<void> {
  const name = `lab-recorder-probe-${process.pid}`;
  const file = join(dir, 'control/probe.xml');
  await writeFile(
    file,
    `<domain type='qemu'><name>${name}</name><memory>1024</memory><os><type>hvm</type></os></domain>`,
  );
  const after = recorder.events().length;
  const heard = (): boolean =>
    recorder
      .events()
      .slice(after)
      .some(({ domain }) => domain === name);
  await until('the event recorder hears libvirt', async () => {
    await virsh('define', file);
    await virsh('undefine', name);
    return heard();
  });
}

import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second in /proc: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The UUID on qemu's command line, where libvirt puts it. */
export const uuidOnCommandLine = (commandLine: string): string | undefined => {
  const words = commandLine.split('\0');
  return words[0]?.includes('qemu') === true ? words[words.indexOf('-uuid') + 1] : undefined;
};

/** Field 22 of /proc/<pid>/stat, in seconds since boot. The second field is a name in parentheses and may hold anything. */
export const startedAtSeconds = (stat: string): number | undefined => {
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  return Number.isFinite(ticks) && ticks >= 0 ? ticks / TICKS_PER_SECOND : undefined;
};

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // ended meanwhile, or not ours to see
  }
};

/** For how many seconds the qemu of each machine has run, by UUID; empty where other users' processes are hidden from us. */
export const readQemuUptimes = (proc = '/proc'): ReadonlyMap<string, number> => {
  const found = new Map<string, number>();
  const nowSeconds = Number.parseFloat(read(`${proc}/uptime`));
  const entries = ((): string[] => {
    try {
      return readdirSync(proc);
    } catch {
      return [];
    }
  })();
  for (const pid of entries.filter((name) => /^[0-9]+$/.test(name))) {
    if (!read(`${proc}/${pid}/comm`).startsWith('qemu')) continue;
    const uuid = uuidOnCommandLine(read(`${proc}/${pid}/cmdline`));
    const startedSeconds = startedAtSeconds(read(`${proc}/${pid}/stat`));
    if (uuid === undefined || startedSeconds === undefined || !Number.isFinite(nowSeconds)) continue;
    found.set(uuid, Math.max(0, nowSeconds - startedSeconds));
  }
  return found;
};

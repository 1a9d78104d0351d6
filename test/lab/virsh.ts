import { execa } from 'execa';

export interface VirshResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One-shot virsh on one connection. */
export interface Virsh {
  /** Resolves to stdout, throws with stderr. */
  virsh(...args: string[]): Promise<string>;
  tryVirsh(...args: string[]): Promise<VirshResult>;
}

const patienceMs = 60_000;

/** Runs each command as a process of its own, in the C locale; what takes a minute is ended and counts as failed. */
export function virshOn(uri: string): Virsh {
  const tryVirsh = async (...args: string[]): Promise<VirshResult> => {
    const argv = ['-q', '-c', uri, ...args];
    const { exitCode, stdout, stderr, timedOut } = await execa('virsh', argv, {
      reject: false,
      timeout: patienceMs,
      env: { LC_ALL: 'C' },
    });
    return { exitCode: exitCode ?? 1, stdout, stderr: timedOut ? `no answer within ${patienceMs} ms` : stderr };
  };
  const virsh = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await tryVirsh(...args);
    if (exitCode !== 0) throw new Error(`virsh ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  return { virsh, tryVirsh };
}

/** What became of one virsh command. */
export interface VirshResult {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** No answer within the deadline: what was asked may or may not happen still. */
  readonly timedOut: boolean;
  /** The shell ended before it answered, or could not be started: as uncertain as `timedOut`. */
  readonly died: boolean;
  readonly durationMs: number;
}

/** Runs one virsh command, `argv` without the leading `virsh`. Never rejects for what libvirt does. */
export type RunVirsh = (argv: readonly string[], options: { readonly timeoutMs: number }) => Promise<VirshResult>;

/** virsh's own remarks about its connection, printed like errors by a command that then succeeds. */
const remark = /^error: (Disconnected from .*|Reconnected to the hypervisor)$/;

/** A virsh shell has no exit status; a command has failed when it printed an error other than a remark. */
export const hasFailed = (stderr: string): boolean =>
  stderr.split('\n').some((line) => line.startsWith('error:') && !remark.test(line));

/** Did the connection to libvirt, rather than the command, fail? */
export const isConnectionFailure = (stderr: string): boolean =>
  /Disconnected from|[Ff]ailed to (re)?connect|Failed to connect socket|Cannot (recv|write) data|End of file while reading|client socket is closed|internal error: client .* closed/i.test(
    stderr,
  );

/** What the [Service] section of a unit says: each key with all its lines, in order. */
export interface UnitFile {
  readonly all: (key: string) => readonly string[];
  /** The words of the last line; undefined where there is none. */
  readonly words: (key: string) => readonly string[] | undefined;
  readonly is: (key: string) => boolean;
}

/** Done here as the service manager does them. */
const DONE = [
  ...['ExecStart', 'User', 'Group', 'SupplementaryGroups', 'UMask', 'WorkingDirectory', 'EnvironmentFile', 'LimitCORE'],
  ...['RuntimeDirectory', 'RuntimeDirectoryMode', 'ProtectSystem', 'ReadWritePaths', 'ProtectHome', 'PrivateTmp'],
  ...['PrivateMounts', 'PrivateDevices', 'NoNewPrivileges', 'CapabilityBoundingSet', 'AmbientCapabilities'],
  ...['ProtectKernelTunables', 'ProtectControlGroups', 'RestrictAddressFamilies', 'SystemCallFilter'],
  'SystemCallErrorNumber',
];
/** Without any capability these take nothing more away. */
const IMPLIED = ['ProtectKernelModules', 'ProtectKernelLogs', 'ProtectClock', 'ProtectHostname'];
/** The service manager's own work, and filters of its own making: nothing but a manager as pid 1 does them. */
const OF_THE_MANAGER = [
  ...['Type', 'NotifyAccess', 'ExecReload', 'Restart', 'RestartSec', 'RestartPreventExitStatus', 'WatchdogSec'],
  ...['WatchdogSignal', 'KillMode', 'TimeoutStartSec', 'TimeoutStopSec', 'RemoveIPC', 'KeyringMode'],
  ...['RestrictNamespaces', 'RestrictRealtime', 'LockPersonality', 'SystemCallArchitectures'],
];

/** Reads a unit. Throws for a key that nobody has thought about here: it might be the one that breaks a service. */
export const readUnit = (text: string): UnitFile => {
  const section = /^\[Service\]$([\s\S]*?)(?=^\[|(?![\s\S]))/m.exec(text)?.[1] ?? '';
  const entries = [...section.matchAll(/^([A-Za-z]+)=(.*)$/gm)].map(([, key = '', value = '']) => ({ key, value }));
  const known = new Set([...DONE, ...IMPLIED, ...OF_THE_MANAGER]);
  const unknown = entries.filter(({ key }) => !known.has(key)).map(({ key }) => key);
  if (unknown.length > 0) throw new Error(`say in unit-file.ts what is to be done about ${unknown.join(', ')}`);
  const all = (key: string): readonly string[] => entries.flatMap((entry) => (entry.key === key ? [entry.value] : []));
  const words = (key: string): readonly string[] | undefined =>
    all(key)
      .at(-1)
      ?.split(' ')
      .filter((word) => word !== '');
  return { all, words, is: (key) => ['yes', 'strict'].includes(all(key).at(-1) ?? '') };
};

/**
 * The environment of every virsh child: nothing of ours gets in (no secrets, no proxies, no `LIBVIRT_*`).
 * English messages, since failures are told apart by their words; UTF-8, since readline would mangle it in the C
 * locale; no history file, since commands for guests would end up in it, and no inputrc of anybody's.
 */
export const virshEnvironment = (): Record<string, string> => ({
  PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  INPUTRC: '/dev/null',
  VIRSH_HISTSIZE: '0',
  XDG_CACHE_HOME: '/dev/null', // a directory in it cannot be made, hence no history
  ...sessionDirectories(),
});

// A session daemon (qemu:///session) is found through these; the system one needs neither.
const sessionDirectories = (): Record<string, string> => {
  const { HOME, XDG_RUNTIME_DIR } = process.env;
  return { ...(HOME ? { HOME } : {}), ...(XDG_RUNTIME_DIR ? { XDG_RUNTIME_DIR } : {}) };
};

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { GuestAgentError } from '../../src/domain/errors.ts';
import { limitsSchema } from '../../src/domain/journal/memory.ts';
import type { GuestAgent } from '../../src/ports/hypervisor.ts';

/** Writes a file so that nobody sees half of it. */
export const put = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
};

const guestSchema = z.object({
  run: z.enum(['running', 'off', 'crashed']).default('off'),
  reason: z.enum(['unknown', 'booted', 'shutdown', 'destroyed', 'crashed', 'saved']).default('unknown'),
  saved: z.boolean().default(false),
  limits: limitsSchema.default({}),
  /** What makes it shut down. */
  hears: z.array(z.enum(['acpi', 'agent'])).default(['acpi', 'agent']),
  /** Its qemu does not end when it is asked to. */
  stuck: z.boolean().default(false),
  /** The full name of its one user; it is on its disk. */
  gecos: z.string().default(''),
  /** What its network was set up with when it booted last. */
  network: z.string().default(''),
});
type FileGuest = z.infer<typeof guestSchema>;

/** Guests as files, one for each: what a machine's power, memory and disk are like, for whoever comes next. */
export interface FileGuests {
  of(uuid: string): FileGuest;
  set(uuid: string, change: Partial<FileGuest>): void;
  readonly agent: GuestAgent;
}

export const createFileGuests = (dir: string): FileGuests => {
  const path = (uuid: string): string => join(dir, `${uuid}.guest`);
  const of = (uuid: string): FileGuest =>
    guestSchema.parse(existsSync(path(uuid)) ? JSON.parse(readFileSync(path(uuid), 'utf8')) : {});
  const set: FileGuests['set'] = (uuid, change) => put(path(uuid), JSON.stringify({ ...of(uuid), ...change }));
  const done = (stdout = '') => ({ exitCode: 0, stdout, stderr: '' });

  /** What Debian's usermod, getent and ip do, as far as anybody here asks. */
  const exec: GuestAgent['exec'] = async (uuid, [program = '', ...argv]) => {
    const guest = of(uuid);
    if (guest.run !== 'running')
      throw new GuestAgentError('no agent answers', { code: 'agent-not-connected', retryable: true });
    if (program.endsWith('usermod')) {
      set(uuid, { gecos: argv[1] ?? '' });
      return done();
    }
    if (program.endsWith('getent')) return done(`${argv.at(-1)}:x:1000:1000:${guest.gecos}:/nonexistent:/bin/bash\n`);
    return done(guest.network);
  };
  return {
    of,
    set,
    agent: {
      ping: async (uuid) => of(uuid).run === 'running',
      exec,
      capture: async (uuid, argv, options) => {
        const { exitCode, stdout, stderr } = await exec(uuid, argv, options);
        return { exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr), cut: false };
      },
    },
  };
};

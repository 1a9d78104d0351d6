import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import * as z from 'zod';
import { until } from '../lab/processes.ts';
import { repositoryPath } from '../lab/repository.ts';
import { openService, type Service, type ServiceHost } from './walk-service.ts';
import type { Transcript } from './walk-transcript.ts';

export type Generation = 'older' | 'newer';

const callSchema = z.object({
  ...{ verb: z.string(), executable: z.string(), argv: z.array(z.string()), exitCode: z.number().nullable() },
  ...{ stdout: z.string(), stderr: z.string() },
});
const toldSchema = z.object({
  following: z.string().optional(),
  call: callSchema.optional(),
  note: z.string().optional(),
  failure: z.string().optional(),
  handled: z.number().optional(),
});
type Call = z.infer<typeof callSchema>;

/** An engine as its service on the host. */
export interface WalkEngine {
  readonly service: Service;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly pid: number | undefined;
  /** How many events it has dealt with since it was started. */
  handled(): number;
  calls(): readonly Call[];
  /** What it did not get done. */
  failures(): readonly string[];
  /** What went wrong on the way and was gone past. */
  notes(): readonly string[];
}

/** As the engines' own packages bring it. */
const unitOf = (generation: Generation): string => `[Service]
User=blockhost
Group=blockhost
WorkingDirectory=/var/lib/blockhost
EnvironmentFile=/opt/blockhost/.env
ExecStart=/usr/bin/node /opt/blockhost/engine.mjs ${generation}
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
PrivateTmp=yes
ReadWritePaths=/var/lib/blockhost${generation === 'newer' ? ' /run/blockhost' : ''}
`;

/** Bundles the engines' program into the host's /opt. */
export const installEngine = async ({ root }: ServiceHost): Promise<void> => {
  await build({
    entryPoints: [repositoryPath('test/support/engines/main.ts')],
    outfile: join(root.dir, 'opt/blockhost/engine.mjs'),
    ...{ bundle: true, format: 'esm', target: 'node18', platform: 'node', logLevel: 'warning' },
    banner: { js: "import { createRequire as of } from 'node:module';\nconst require = of(import.meta.url);" },
  });
};

export const openEngine = async (
  host: ServiceHost,
  generation: Generation,
  transcript: Transcript,
): Promise<WalkEngine> => {
  const path = `/usr/lib/systemd/system/engine-${generation}.service`;
  await host.root.write(path.slice(1), unitOf(generation));
  if (generation === 'newer') await host.root.write('usr/share/blockhost/engine.json', '{"name":"engine"}');
  const service = await openService(host, path);
  const calls: Call[] = [];
  const [failures, notes]: [string[], string[]] = [[], []];
  let [following, handled] = [false, 0];
  let child: ChildProcess | undefined;

  const hear = (line: string): void => {
    const told = toldSchema.parse(JSON.parse(line));
    following ||= told.following !== undefined;
    handled = told.handled ?? handled;
    const { call } = told;
    if (call !== undefined) {
      calls.push(call);
      transcript.ran(`engine (${generation})`, [call.executable, ...call.argv], call);
    }
    if (told.failure !== undefined) failures.push(told.failure);
    if (told.note !== undefined) notes.push(told.note);
  };
  return {
    service,
    get pid() {
      return child?.pid;
    },
    start: async () => {
      await service.begin();
      const [program = '', ...argv] = service.argv();
      const started = spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
      child = started;
      createInterface({ input: started.stdout }).on('line', hear);
      await until('the engine follows the chain', () => following || started.exitCode !== null, { timeoutMs: 60_000 });
      if (!following) throw new Error(`the engine ended with exit code ${started.exitCode}`);
    },
    stop: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      await ended;
      await service.end();
    },
    handled: () => handled,
    calls: () => calls,
    failures: () => failures,
    notes: () => notes,
  };
};

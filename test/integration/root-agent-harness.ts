import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createSystemClock } from '../../src/drivers/clock/system-clock.ts';
import { createRootAgent } from '../../src/drivers/root-agent/client.ts';
import { repositoryPath } from '../lab/repository.ts';

/** Starts a root agent with our actions, which speaks to the libvirt at `uri` and holds `stateDir` for the host's. */
export async function startRootAgent(options: { dir: string; uri: string; stateDir: string }) {
  const { dir, uri, stateDir } = options;
  const plugins = join(dir, 'plugins');
  const socketPath = join(dir, 'agent.sock');
  await mkdir(plugins);
  await copyFile(repositoryPath('hooks/root-agent/virsh.py'), join(plugins, 'virsh.py'));
  const constants = {
    STATE_DIR: stateDir,
    DB_YAML: join(dir, 'db.yaml'),
    // A laboratory may be slow; that the bounds hold is seen elsewhere.
    ACTION_S: 60,
    GUEST_S: 30,
    VIRSH: ['/usr/bin/env', '-i', 'PATH=/usr/bin:/bin', 'LC_ALL=C.UTF-8', '/usr/bin/virsh', '-q', '-c', uri],
  };
  const settings = Object.entries(constants).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const script = repositoryPath('test/python/root_agent.py');
  const argv = ['--pdeathsig', 'KILL', '/usr/bin/python3', script, socketPath, 'usual', plugins, ...settings];
  const agent: ChildProcess = spawn('setpriv', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (agent.stdout) await once(agent.stdout, 'data');
  return {
    ask: createRootAgent({ socketPath, clock: createSystemClock(), timeoutMs: 90_000 }),
    stop: () => void agent.kill('SIGKILL'),
  };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../../../src/drivers/clock/system-clock.ts';
import { createRootAgent } from '../../../../src/drivers/root-agent/client.ts';
import { decodeFrame, encodeFrame } from '../../../../src/drivers/root-agent/frames.ts';
import { createHostRoutes } from '../../../../src/drivers/root-agent/host-routes.ts';

const script = fileURLToPath(new URL('../../../python/root_agent.py', import.meta.url));

let dir: string;
let socketPath: string;
let agent: ChildProcess | undefined;

const startAgent = (mode = 'usual'): Promise<void> =>
  new Promise((resolve, reject) => {
    agent = spawn('python3', [script, socketPath, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
    agent.once('error', reject);
    agent.stdout?.once('data', () => resolve());
  });
const ask = (timeoutMs = 5000) => createRootAgent({ socketPath, clock: createSystemClock(), timeoutMs });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'agent-'));
  socketPath = join(dir, 'a.sock');
});
afterEach(async () => {
  agent?.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

describe('frames', () => {
  it('come back as they went, and are never taken for whole before they are', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const frame = encodeFrame(value);
        expect(decodeFrame(frame)).toEqual({ message: JSON.parse(JSON.stringify(value)) });
        for (const cut of [0, 3, 4, frame.length - 1]) expect(decodeFrame(frame.subarray(0, cut))).toBeUndefined();
      }),
    );
  });

  it('are refused when they are too large to send', () => {
    expect(() => encodeFrame('x'.repeat(10 * 1024 * 1024))).toThrow(/larger than 10 MiB/);
  });
});

describe('host routes through the root agent', () => {
  const address = '2001:db8::1f';

  it('are added and taken away, and doing it twice is no error (D27)', async () => {
    await startAgent();
    const routes = createHostRoutes(ask(), 'br-ext');
    await routes.add(address);
    await routes.add(address);
    expect(await ask()('routes', {})).toMatchObject({ routes: { [`${address}/128`]: 'br-ext' } });
    await routes.remove(address);
    await routes.remove(address);
    expect(await ask()('routes', {})).toMatchObject({ routes: {} });
  });

  it('are refused to other bridges and for what is no address, without asking', async () => {
    await expect(createHostRoutes(ask(), 'br7').add(address)).rejects.toThrow(/the bridge is br7/);
    for (const text of ['', 'fe80::1%eth0', '1.2.3.4', '2001:db8::/64', '::1 dev lo']) {
      await expect(createHostRoutes(ask(), 'br0').add(text)).rejects.toThrow(/no IPv6 address/);
    }
  });

  it('wait in line behind each other at an agent that serves one at a time', async () => {
    await startAgent();
    const routes = createHostRoutes(ask(), 'br0');
    const addresses = Array.from({ length: 50 }, (_, i) => `2001:db8::${(i + 2).toString(16)}`);
    await Promise.all(addresses.map((one) => routes.add(one)));
    const { routes: kept } = (await ask()('routes', {})) as { routes: object };
    expect(Object.keys(kept)).toHaveLength(50);
  });
});

describe('an agent', () => {
  it('takes large requests and answers in pieces of any size', async () => {
    await startAgent();
    const text = 'x'.repeat(8 * 1024 * 1024);
    expect(await ask()('echo', { text })).toEqual({ ok: true, params: { text } });
    agent?.kill('SIGKILL');
    await rm(socketPath);
    await startAgent('split');
    expect(await ask()('echo', { a: 1 })).toEqual({ ok: true, params: { a: 1 } });
  });

  it('that says no is quoted, and asking again would not help', async () => {
    await startAgent();
    await expect(ask()('reboot', {})).rejects.toMatchObject({
      code: 'root-agent-refused',
      retryable: false,
      message: expect.stringContaining('Unknown action: reboot'),
    });
  });

  it('that is not there, or mute, or too slow, may be asked again', async () => {
    const unreachable = { code: 'root-agent-unreachable', retryable: true };
    await expect(ask()('routes', {})).rejects.toMatchObject(unreachable);
    await startAgent('mute');
    await expect(ask()('routes', {})).rejects.toMatchObject(unreachable);
    agent?.kill('SIGKILL');
    await rm(socketPath);
    await startAgent('slow');
    await expect(ask(100)('routes', {})).rejects.toThrow(/no answer within 100 ms/);
  });

  it.each(['garbage', 'huge', 'two'])('that answers with what is no frame (%s) is not believed', async (mode) => {
    await startAgent(mode);
    await expect(ask()('routes', {})).rejects.toMatchObject({ code: 'root-agent-frame' });
  });
});

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { createPaths, type Paths } from '../../../src/config/paths.ts';
import { readText } from '../../../src/config/read-text.ts';
import { ENV, WEB3 } from './files.ts';

let root: string;
let paths: Paths;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'blockhost-config-'));
  paths = createPaths({ BLOCKHOST_ROOT: root });
});
afterEach(() => rmSync(root, { recursive: true }));

const put = (path: string, text: string | Uint8Array): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};
const fault = async (path: string): Promise<string> => {
  const found = await readText(path);
  return found.kind === 'unreadable' ? found.why : found.kind;
};

describe('a real file', () => {
  it('is read below BLOCKHOST_ROOT (D2)', async () => {
    put(paths.dbYaml, 'gc_grace_days: 1');
    put(paths.engineManifest, 'not even JSON');
    const config = await loadConfig({ paths, env: {} });
    expect(config.policy.graceMs).toBe(86_400_000);
    expect(config.createdByEngine).toBe(true);
    expect(config.dbFile).toBe(join(root, 'var/lib/blockhost/vms.json'));
  });

  it('that is a directory is one clear sentence', async () => {
    mkdirSync(paths.dbYaml, { recursive: true });
    await expect(loadConfig({ paths, env: {} })).rejects.toThrow(`${paths.dbYaml}: is a directory; wants a file`);
  });

  it('of 10 MB is not read', async () => {
    put(paths.dbYaml, new Uint8Array(10 * 1024 * 1024));
    expect(await fault(paths.dbYaml)).toBe('is 10.0 MiB large; a configuration file has at most 1 MiB');
  });

  it('that is not UTF-8 is one clear sentence', async () => {
    put(paths.dbYaml, Uint8Array.from([0x62, 0xff, 0xfe]));
    expect(await fault(paths.dbYaml)).toBe('is not UTF-8 text');
  });

  it('that is a device does not hang', async () => {
    expect(await fault('/dev/zero')).toBe('is a pipe, socket or device; wants a file');
  });

  it('that is a link to nowhere is not taken for an absent one (D12)', async () => {
    put(paths.dbYaml, '');
    symlinkSync('/nonexistent/web3', paths.web3Yaml);
    expect(await fault(paths.web3Yaml)).toBe('is a symbolic link that leads nowhere; wants a file, or nothing at all');
    expect(await fault(paths.provisionerYaml)).toBe('absent');
  });

  it.skipIf(process.getuid?.() === 0)('that is closed names the mode that is wanted', async () => {
    put(paths.dbYaml, '');
    chmodSync(paths.dbYaml, 0o000);
    expect(await fault(paths.dbYaml)).toContain('wants owner root:blockhost, mode 0640');
  });
});

describe('the engine’s environment file, closed to us', () => {
  const load = (web3: string | undefined, closed: string) =>
    loadConfig({
      paths,
      env: {},
      readFile: async (path) => {
        if (path === closed) return { kind: 'unreadable', why: 'cannot be read by user x' };
        return path === paths.web3Yaml && web3 !== undefined ? { kind: 'text', text: web3 } : { kind: 'absent' };
      },
    });

  it('is a warning where the other files name the whole chain', async () => {
    const web3 = WEB3.replace('blockchain:', `blockchain:\n  subscription_contract: "0x${'a1'.repeat(20)}"`);
    const config = await load(web3, paths.engineEnv);
    expect(config.chains).toHaveLength(1);
    expect(config.warnings).toContain(`${paths.engineEnv}: cannot be read by user x`);
  });

  it('is an error where it alone could say whether there is a chain: unknown is not no (D12)', async () => {
    await expect(load(undefined, paths.engineEnv)).rejects.toThrow(
      `${paths.engineEnv}: cannot be read by user x; no other file names a chain`,
    );
  });

  it.each(['dbYaml', 'provisionerYaml', 'web3Yaml', 'blockhostYaml', 'brokerAllocation'] as const)(
    'is unlike %s, which is always an error',
    async (key) => {
      await expect(load(undefined, paths[key])).rejects.toThrow(`${paths[key]}: cannot be read by user x`);
    },
  );

  it('is used where it is open', async () => {
    put(paths.engineEnv, ENV);
    put(paths.web3Yaml, WEB3);
    expect((await loadConfig({ paths, env: {} })).chains).toHaveLength(1);
  });
});

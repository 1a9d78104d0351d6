import { describe, expect, it } from 'vitest';
import { createPaths } from '../../../src/config/paths.ts';

describe('createPaths', () => {
  const strings = (env: Record<string, string>): string[] =>
    Object.entries(createPaths(env)).flatMap(([key, value]) =>
      key !== 'root' && typeof value === 'string' ? [value] : [],
    );

  it('names the real paths without BLOCKHOST_ROOT', () => {
    const paths = createPaths({});
    expect(paths).toMatchObject({
      dbYaml: '/etc/blockhost/db.yaml',
      engineEnv: '/opt/blockhost/.env',
      vmsJson: '/var/lib/blockhost/vms.json',
      journal: '/var/lib/blockhost/provisioner/journal.ndjson',
      runDir: '/run/blockhost-provisioner',
      rootAgentSocket: '/run/blockhost/root-agent.sock',
    });
  });

  it.each(['/tmp/r', '/tmp/r/', '/tmp//r'])('puts BLOCKHOST_ROOT=%s before every one of them (D2)', (root) => {
    const real = strings({});
    expect(strings({ BLOCKHOST_ROOT: root })).toEqual(real.map((path) => `/tmp/r${path}`));
    expect(real.length).toBeGreaterThan(15);
  });

  it('puts it before a path once', () => {
    const { underRoot } = createPaths({ BLOCKHOST_ROOT: '/tmp/r' });
    expect(underRoot('/srv')).toBe('/tmp/r/srv');
    expect(underRoot(underRoot('/srv'))).toBe('/tmp/r/srv');
    expect(underRoot('/tmp/rest')).toBe('/tmp/r/tmp/rest');
  });

  it('refuses a root that is relative, and takes / and nothing for none', () => {
    expect(() => createPaths({ BLOCKHOST_ROOT: 'lab' })).toThrow('BLOCKHOST_ROOT is "lab"; wants an absolute path');
    expect(createPaths({ BLOCKHOST_ROOT: '/' }).dbYaml).toBe('/etc/blockhost/db.yaml');
    expect(createPaths({ BLOCKHOST_ROOT: '' }).dbYaml).toBe('/etc/blockhost/db.yaml');
  });
});

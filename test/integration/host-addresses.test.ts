import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostAddresses } from '../../src/host/host-addresses.ts';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { repositoryPath } from '../lab/repository.ts';
import { bundle } from '../unit/cli/bundled.ts';

const SOURCE =
  "import { hostAddresses } from './src/host/host-addresses.ts'; process.stdout.write(JSON.stringify(hostAddresses()));";

// A range for machines may hold the host's own addresses: what is not found here is given to a machine.
describe('the host’s own addresses', () => {
  let dir = '';
  let program = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'addresses-'));
    program = await bundle(dir, { text: SOURCE });
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));
  const printed = (command: string, ...argv: string[]): readonly string[] =>
    JSON.parse(execFileSync(command, argv, { encoding: 'utf8' }));

  it('are all those that its interfaces have', () => {
    const known = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));
    expect(known.length).toBeGreaterThan(0);
    expect(hostAddresses()).toEqual(expect.arrayContaining(known));
  });

  it.each(['blockhost-provisioner.service', 'blockhost-gc.service'])('are found within the bounds of %s', (unit) => {
    const filter = [repositoryPath('test/python/unit_filter.py'), repositoryPath('systemd', unit)];
    const found = printed('python3', ...filter, process.execPath, program);
    expect([...found].sort()).toEqual([...hostAddresses()].sort());
  });

  it.skipIf(!namespacesAllowed())('are found on a link that carries nothing, as a bridge’s without a cable', () => {
    const script = `ip link add v0 type veth peer name v1 && ip addr add 10.9.8.7/24 dev v0 && ip link set v0 up &&
      exec "$@"`;
    const found = printed('unshare', '--net', 'sh', '-c', script, 'sh', process.execPath, program);
    expect(found).toContain('10.9.8.7');
  });
});

import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { namespacesAllowed } from '../lab/libvirtd-process.ts';
import { repositoryPath } from '../lab/repository.ts';

/* The soak is a test by itself; here it has to notice what it does wrong on purpose. Minutes: only with FULL=1. */
describe.skipIf(!process.env.FULL || !namespacesAllowed())('the soak of npm run proof', () => {
  it('ends with 1 when a machine that is paid for is destroyed under its eyes (C5, D14)', async () => {
    const argv = [repositoryPath('dist/proof.mjs'), '--soak', '10s', '--break', '--seed', '3'];
    const { exitCode, stdout, stderr } = await execa(process.execPath, argv, { reject: false, timeout: 600_000 });
    const end = `${stdout}\n${stderr.slice(-4000)}`;
    expect(exitCode, end).toBe(1);
    expect(stdout, end).toMatch(/BROKEN harm-needs-expiry at \d+ s: hypervisor\.powerOff of blockhost-001/);
    expect(stdout, end).toMatch(/BROKEN paid-is-kept at \d+ s: blockhost-001 is paid for/);
  }, 620_000);
});

import { describe, expect, it } from 'vitest';
import type { RunState } from '../../../../src/domain/domain-state.ts';
import type { HypervisorParts } from '../../../../src/drivers/virsh/hypervisor-parts.ts';
import { createPower } from '../../../../src/drivers/virsh/power.ts';
import { EXAMPLE_UUID, exampleDomain } from '../../../support/example-observation.ts';

/** libvirt refuses a request to shut down with these words; then the domain is seen so. */
const refusedThenSeen = (run: RunState) => {
  const refused = {
    ...{ ok: false, stdout: '', timedOut: false, died: false, durationMs: 5 },
    stderr: `error: Failed to shutdown domain '${EXAMPLE_UUID}'\nerror: Requested operation is not valid: domain is not running`,
  };
  const parts: Pick<HypervisorParts, 'deadlines' | 'run' | 'look'> = {
    deadlines: { readTimeoutMs: 1, changeTimeoutMs: 1, moveTimeoutMs: 1 },
    run: async () => refused,
    look: async () => ({ ...exampleDomain, run }),
  };
  return createPower({ ...parts, shells: {} } as HypervisorParts).requestShutdown(EXAMPLE_UUID, 'acpi');
};

describe('a request to shut down that libvirt refuses, for the domain does not run', () => {
  it('is no fault where its guest has just shut down, and qemu is about to end', async () => {
    await expect(refusedThenSeen('shutting-down')).resolves.toBeUndefined();
  });

  it('is none where it is off', async () => {
    await expect(refusedThenSeen('off')).resolves.toBeUndefined();
  });

  it('is one where it runs after all, and where it is paused', async () => {
    await expect(refusedThenSeen('running')).rejects.toMatchObject({ code: 'libvirt-refused', retryable: true });
    await expect(refusedThenSeen('paused')).rejects.toMatchObject({ code: 'domain-paused', retryable: true });
  });
});

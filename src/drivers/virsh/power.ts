import { isOn } from '../../domain/domain-state.ts';
import { HypervisorError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Hypervisor } from '../../ports/hypervisor.ts';
import { expectOk, type HypervisorParts } from './hypervisor-parts.ts';
import { isAlreadyOn, isNoSuchDomain, isNotRunning } from './virsh-error.ts';

type Power = Pick<Hypervisor, 'start' | 'resumePaused' | 'requestShutdown' | 'powerOff' | 'save' | 'dropSavedImage'>;

const AGENT_REQUEST_TIMEOUT_MS = 3_000;

/** Everything that turns a domain on or off. */
export const createPower = ({ shells, deadlines, run, look }: HypervisorParts): Power => {
  const { changeTimeoutMs, moveTimeoutMs } = deadlines;

  const resumePaused = async (uuid: Uuid): Promise<void> => {
    const domain = await look(uuid);
    if (domain !== 'absent' && domain.run === 'paused' && domain.reason === 'io-error') throw ioError(uuid);
    expectOk(`resume domain ${uuid}`, await run(['resume', uuid], { timeoutMs: changeTimeoutMs }));
  };

  /** A guest that was paused when it was saved comes back paused. */
  const ensureRunning = async (uuid: Uuid): Promise<void> => {
    const domain = await look(uuid);
    if (domain !== 'absent' && domain.run === 'paused') await resumePaused(uuid);
  };

  const requestShutdown: Hypervisor['requestShutdown'] = async (uuid, mode) => {
    // libvirt waits a minute for a guest that its agent said would go: that happens in the agents' own queue, and we do
    // not wait for it. The request was handed over; whether it is obeyed is observed.
    const agents = { timeoutMs: AGENT_REQUEST_TIMEOUT_MS, via: shells.agent };
    const options = mode === 'agent' ? agents : { timeoutMs: changeTimeoutMs, via: shells.mutate };
    const result = await run(['shutdown', uuid, '--mode', mode], options);
    if (result.ok || (mode === 'agent' && result.timedOut)) return;
    if (isNotRunning(result)) {
      const domain = await look(uuid); // it says "not running" of a paused domain, too
      // A guest that has shut down is "not running" until qemu has ended, which takes its time on a busy host.
      if (domain === 'absent' || !isOn(domain) || domain.run === 'shutting-down') return;
      if (domain.run === 'paused') {
        throw new HypervisorError(
          `domain ${uuid} is paused (${domain.reason}): it cannot obey a request to shut down`,
          {
            code: 'domain-paused',
            retryable: true,
          },
        );
      }
    }
    expectOk(`ask domain ${uuid} to shut down (${mode})`, result);
  };

  return {
    resumePaused,
    requestShutdown,
    start: async (uuid) => {
      const result = await run(['start', uuid], { timeoutMs: moveTimeoutMs });
      if (!result.ok && !isAlreadyOn(result)) {
        if (corruptImage.test(result.stderr) && (await hasSavedImage(look, uuid)))
          throw savedImageCorrupt(uuid, result.stderr);
        expectOk(`start domain ${uuid}`, result);
      }
      await ensureRunning(uuid);
    },
    powerOff: async (uuid, how) => {
      const graceful = how === 'graceful' ? ['--graceful'] : [];
      const result = await run(['destroy', uuid, ...graceful], { timeoutMs: changeTimeoutMs });
      if (result.ok || isNotRunning(result)) return;
      if (isNoSuchDomain(result) && (await look(uuid)) === 'absent') return;
      expectOk(`power off domain ${uuid} (${how})`, result);
    },
    save: async (uuid) => {
      const result = await run(['managedsave', uuid, '--running'], { timeoutMs: moveTimeoutMs });
      expectOk(`save domain ${uuid}`, result);
    },
    dropSavedImage: async (uuid) => {
      const result = await run(['managedsave-remove', uuid], { timeoutMs: changeTimeoutMs });
      expectOk(`remove the saved image of domain ${uuid}`, result);
    },
  };
};

/** What libvirt and qemu say of a saved image that cannot be read (libvirt 9.0, QEMU 7.2); an empty one boots anew by itself. */
const corruptImage =
  /image magic is incorrect|failed to read (qemu header|domain XML|domain cookie)|image version is not supported|invalid (compressed|XML) |load of migration failed|error while loading state|image is corrupt/i;

const hasSavedImage = async (look: Hypervisor['look'], uuid: Uuid): Promise<boolean> => {
  const domain = await look(uuid);
  return domain !== 'absent' && domain.hasSavedImage;
};

const savedImageCorrupt = (uuid: Uuid, stderr: string): HypervisorError =>
  new HypervisorError(`domain ${uuid} cannot be restored: its saved image is damaged`, {
    code: 'saved-image-corrupt',
    retryable: false,
    hint: 'drop the saved image to boot it from its disk; what was only in memory is lost',
    cause: new Error(stderr.trim()),
  });

const ioError = (uuid: Uuid): HypervisorError =>
  new HypervisorError(`domain ${uuid} is paused by an I/O error and is not resumed blindly`, {
    code: 'io-error',
    retryable: false,
    hint: 'make room on the disk, then `virsh resume` it',
  });

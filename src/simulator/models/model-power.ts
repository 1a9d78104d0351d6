import type { RunReason, RunState } from '../../domain/domain-state.ts';
import { HypervisorError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hypervisor } from '../../ports/hypervisor.ts';
import type { ModelGuest } from './model-guest.ts';

export interface ModelPowerDeps {
  readonly clock: Clock;
  readonly tell: (guest: ModelGuest, event: string, detail: string) => void;
  readonly turn: (guest: ModelGuest, run: RunState, reason: RunReason) => void;
}

/** What power does to a guest of the model, with the events that libvirt 9.0 sends, in its order. */
export interface ModelPower {
  isOn(guest: ModelGuest): boolean;
  start(guest: ModelGuest): void;
  resumePaused(guest: ModelGuest): void;
  requestShutdown(guest: ModelGuest, mode: Parameters<Hypervisor['requestShutdown']>[1]): void;
  powerOff(guest: ModelGuest, how: 'graceful' | 'forced'): void;
  save(guest: ModelGuest): void;
  stop(guest: ModelGuest, reason: RunReason, detail: string): void;
  pause(guest: ModelGuest, reason: RunReason, detail: string): void;
}

export const createModelPower = ({ clock, tell, turn }: ModelPowerDeps): ModelPower => {
  const isOn = ({ run }: ModelGuest): boolean => run !== 'off' && run !== 'crashed';
  /** Changes with every start, so that what a former boot began does not reach into the next one. */
  const lives = new WeakMap<ModelGuest, symbol>();

  const later = (guest: ModelGuest, ms: number, then: () => void): void => {
    const life = lives.get(guest);
    void clock.sleep(ms).then(() => {
      if (isOn(guest) && lives.get(guest) === life) then();
    });
  };
  const connectAgent = (guest: ModelGuest): void => {
    if (guest.behaviour.agent === 'none' || guest.run !== 'running') return;
    guest.agentConnected = true;
    tell(guest, 'agent-lifecycle', "state: 'connected' reason: 'channel event'");
  };
  const stop = (guest: ModelGuest, reason: RunReason, detail: string): void => {
    if (!isOn(guest)) return;
    turn(guest, 'off', reason);
    tell(guest, 'lifecycle', detail);
  };
  const resumePaused = (guest: ModelGuest): void => {
    if (guest.run !== 'paused') throw refusal(guest, 'domain is not paused');
    if (guest.reason === 'io-error') throw refusal(guest, 'paused by an I/O error', 'io-error', false);
    turn(guest, 'running', 'other');
    tell(guest, 'lifecycle', 'Resumed Unpaused');
    connectAgent(guest);
  };

  return {
    isOn,
    stop,
    resumePaused,
    start: (guest) => {
      if (isOn(guest)) {
        if (guest.run === 'paused') resumePaused(guest);
        return;
      }
      if (guest.saved === 'corrupt') throw refusal(guest, 'its saved image is damaged', 'saved-image-corrupt', false);
      lives.set(guest, Symbol(guest.name));
      const restored = guest.saved === 'sound';
      guest.saved = 'none';
      if (!restored) guest.boots += 1;
      turn(guest, 'running', restored ? 'other' : 'booted');
      tell(guest, 'lifecycle', 'Resumed Unpaused'); // libvirt says so before it says Started
      tell(guest, 'lifecycle', restored ? 'Started Restored' : 'Started Booted');
      later(guest, restored ? 0 : guest.behaviour.bootMs, () => connectAgent(guest));
    },
    requestShutdown: (guest, mode) => {
      if (!isOn(guest)) return;
      if (guest.run === 'paused') throw refusal(guest, 'domain is not running', 'domain-paused');
      const { acpi, agent, shutdownMs } = guest.behaviour;
      if (mode === 'agent' && (agent !== 'answers' || !guest.agentConnected)) {
        throw refusal(guest, 'QEMU guest agent is not connected', 'libvirt-refused');
      }
      if (mode === 'acpi' && acpi === 'ignores') return;
      later(guest, shutdownMs, () => stop(guest, 'shutdown', 'Stopped Shutdown'));
    },
    powerOff: (guest, how) => {
      if (!isOn(guest)) return;
      if (how === 'graceful' && guest.behaviour.stuck) throw refusal(guest, 'Failed to terminate process with SIGTERM');
      stop(guest, 'destroyed', 'Stopped Destroyed');
    },
    save: (guest) => {
      if (!isOn(guest)) throw refusal(guest, 'domain is not running');
      tell(guest, 'lifecycle', 'Suspended Paused');
      const { saves, saveMs } = guest.behaviour;
      const done = (): void => {
        guest.saved = 'sound';
        stop(guest, 'saved', 'Stopped Saved');
      };
      if (saves === 'at once') return done();
      turn(guest, 'paused', saves === 'slowly' ? 'saving' : 'save-ended');
      if (saves === 'in vain') throw refusal(guest, 'operation failed: domain save job: unexpectedly failed');
      later(guest, saveMs, done);
      throw refusal(guest, 'no answer within 900 s', 'libvirt-timeout');
    },
    pause: (guest, reason, detail) => {
      if (guest.run !== 'running') return;
      turn(guest, 'paused', reason);
      tell(guest, 'lifecycle', detail);
    },
  };
};

const refusal = ({ uuid }: ModelGuest, why: string, code = 'libvirt-refused', retryable = true): HypervisorError =>
  new HypervisorError(`libvirt refused for domain ${uuid}: ${why}`, { code, retryable });

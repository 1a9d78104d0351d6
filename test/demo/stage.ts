import type { AnvilLab } from '../lab/anvil.ts';
import type { Mined } from '../lab/chain-client.ts';
import type { Guest } from '../lab/guest.ts';
import type { GuestKind } from '../lab/guest-xml.ts';
import type { LibvirtLab } from '../lab/libvirt.ts';
import type { RpcProxy } from '../lab/rpc-proxy.ts';
import type { Claims } from './claims.ts';
import type { DaemonProcess } from './daemon-process.ts';
import type { DemoHost } from './host.ts';
import type { Observer } from './observer.ts';
import type { Story } from './story.ts';

/** A machine that a scene wants. Machines are numbered, sold and booted in the order of the scenes. */
export interface Role {
  /** Unique over all scenes. */
  readonly role: string;
  readonly kind?: GuestKind;
  /** What its first payment is good for, from the beginning of its phase. */
  readonly paidSeconds: number;
  /** A credential NFT: `minted` for this machine, or one that its record merely reserves. */
  readonly credential?: 'minted' | 'reserved';
  /** Made by the older provisioner: a record and its name, no metadata (D10). */
  readonly adopted?: boolean;
  /** Put into the guest's /data before it is sold. */
  readonly letter?: string;
}

/** A sold machine. */
export interface Machine {
  readonly role: Role;
  readonly name: string;
  readonly guest: Guest;
  readonly id: bigint;
  readonly token: bigint | undefined;
  readonly expiresAtMs: number;
}

/** Everything that a scene acts with and looks through. */
export interface Stage {
  readonly chain: AnvilLab;
  readonly endpoints: readonly RpcProxy[];
  readonly libvirt: LibvirtLab;
  readonly host: DemoHost;
  readonly daemon: DaemonProcess;
  readonly observer: Observer;
  readonly story: Story;
  /** The people of the demo: they buy, pay, transfer. */
  readonly people: { readonly customer: string; readonly friend: string };
  machine(role: string): Machine;
  /** Pays on the chain and tells so. */
  extend(machine: Machine, seconds: number): Promise<Mined & { readonly expiresAtUnix: bigint }>;
  cancel(machine: Machine): Promise<Mined>;
  /** `blockhost-provisioner <word> …`, as an operator types it. */
  operator(...argv: readonly string[]): Promise<void>;
}

/** A stage for one scene. */
export interface Scenery extends Stage {
  readonly claims: Claims;
  /** `--break`: the scene takes its own cause away, or puts an operator's word in the way. */
  readonly sabotaged: boolean;
}

export interface Scene {
  readonly number: number;
  readonly title: string;
  readonly phase: 'A' | 'B' | 'C' | 'D';
  readonly cast: readonly Role[];
  /** Mostly waits for grace to pass: machines of later scenes may boot meanwhile without being in its way. */
  readonly waits?: boolean;
  /** Plays when that scene of the same phase is over; else at once. */
  readonly after?: number;
  play(scenery: Scenery): Promise<void>;
}

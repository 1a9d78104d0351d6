import { randomUUID } from 'node:crypto';
import type { AnvilLab } from '../lab/anvil.ts';
import type { Deployed } from '../lab/blockhost-chain.ts';
import { defineGuest, type Guest } from '../lab/guest.ts';
import type { LibvirtLab } from '../lab/libvirt.ts';
import type { DemoHost } from './host.ts';
import { changeLedger, type DemoRecords } from './ledger.ts';
import type { Machine, Role } from './stage.ts';
import type { Story } from './story.ts';

export interface CastOptions {
  readonly libvirt: LibvirtLab;
  readonly chain: AnvilLab;
  readonly deployed: Deployed;
  readonly host: DemoHost;
  readonly story: Story;
  readonly customer: string;
}

/** All machines: first made and booted, later sold, in one order for both, so that names and subscriptions match. */
export interface Cast {
  /** Makes and boots them, a few at a time. */
  boot(roles: readonly Role[]): Promise<void>;
  /** Sells machines that were booted, all in one block. */
  sell(roles: readonly Role[]): Promise<void>;
  machine(role: string): Machine;
  nameOf(role: string): string;
}

const BOOTS_AT_ONCE = 2;
const BOOT_LIMIT_MS = 90_000;
const NAMESPACE = 'https://blockhost.io/provisioner/machine/1';

const inTurns = async <T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> => {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
};

export const createCast = (options: CastOptions, order: readonly Role[]): Cast => {
  const { libvirt, chain, deployed, host, story, customer } = options;
  const guests = new Map<string, Guest>();
  const machines = new Map<string, Machine>();
  const numberOf = (role: string): number => order.findIndex((one) => one.role === role) + 1;
  const nameOf = (role: string): string => `blockhost-${String(numberOf(role)).padStart(3, '0')}`;

  const bootOne = async (role: Role): Promise<void> => {
    const after = libvirt.events().length;
    const guest = await defineGuest(libvirt, {
      name: nameOf(role.role),
      uuid: randomUUID(),
      kind: role.kind ?? 'normal',
      storageDir: host.storageDir,
      cloudInitDir: host.cloudInitDir,
    });
    await guest.start();
    if (role.kind !== 'empty') {
      const up = { timeoutMs: BOOT_LIMIT_MS, after };
      await libvirt.waitEvent(
        ({ event, domain, detail }) =>
          event === 'agent-lifecycle' && domain === guest.name && detail.includes("'connected'"),
        up,
      );
      await guest.waitAgent(BOOT_LIMIT_MS);
    }
    if (role.letter !== undefined) {
      await guest.exec(['sh', '-c', 'cat >/data/letter && sync'], { input: role.letter });
    }
    guests.set(role.role, guest);
  };

  const guestOf = (role: string): Guest => {
    const guest = guests.get(role);
    if (guest === undefined) throw new Error(`the machine of "${role}" was not booted`);
    return guest;
  };

  const metadata = async (name: string, uuid: string, id: bigint): Promise<void> => {
    const binding = `chainId="${chain.chainId}" contract="${deployed.subscriptions.toLowerCase()}" subscriptionId="${id}"`;
    const element = `<machine schema="1" uuid="${uuid}" ${binding}/>`;
    const where = ['--uri', NAMESPACE, '--key', 'blockhost', '--live', '--config'];
    await libvirt.virsh('metadata', '--domain', name, ...where, '--set', element);
  };

  const credential = async (role: Role, guest: Guest): Promise<bigint | undefined> => {
    if (role.credential === undefined) return undefined;
    const { tokenId } = await chain.mintNft(customer);
    await guest.setGecos(`wallet=${customer},nft=${tokenId}`);
    return tokenId;
  };

  const register = (records: DemoRecords, machine: Machine): void => {
    const number = numberOf(machine.role.role);
    const iso = (unixMs: number): string =>
      new Date(unixMs).toISOString().replace('.000Z', '+00:00').replace('Z', '+00:00');
    const ip = `192.168.122.${10 + number}`;
    const nft = machine.token === undefined ? {} : { nft_token_id: Number(machine.token) };
    const minted = machine.role.credential === 'minted' ? { nft_minted: true, nft_minted_at: iso(Date.now()) } : {};
    records.vms[machine.name] = {
      ...{ vm_name: machine.name, vmid: records.next_vmid++, ip_address: ip, ipv6_address: '', status: 'active' },
      ...{ expires_at: iso(machine.expiresAtMs), created_at: iso(Date.now()), purpose: 'demo', username: 'customer' },
      ...{ owner: customer, wallet_address: customer, owner_wallet: customer, network_mode: 'nat', gecos_synced: true },
      ...nft,
      ...minted,
    };
    records.allocated_ips.push(ip);
    if (machine.role.credential === 'reserved') {
      const entry = { vm_name: machine.name, status: 'reserved', reserved_at: iso(Date.now()) };
      records.reserved_nft_tokens[String(machine.token)] = entry;
    }
  };

  const buy = async (role: Role, token: bigint | undefined): Promise<Machine & { blockNumber: number }> => {
    const guest = guestOf(role.role);
    const { id, expiresAtUnix, blockNumber } = await chain.buy(customer, role.paidSeconds);
    if (Number(id) !== numberOf(role.role)) throw new Error(`${guest.name} got subscription ${id}`);
    const expiresAtMs = Number(expiresAtUnix) * 1000;
    return { role, name: guest.name, guest, id, token, expiresAtMs, blockNumber };
  };

  return {
    nameOf,
    boot: (roles) => inTurns(roles, BOOTS_AT_ONCE, bootOne),
    sell: async (roles) => {
      // Tokens first: what is bought afterwards runs out at a time that is worth counting from.
      const tokens = new Map<string, bigint | undefined>();
      for (const role of roles) tokens.set(role.role, await credential(role, guestOf(role.role)));
      const sold = await Promise.all(roles.map((role) => buy(role, tokens.get(role.role))));
      for (const { id, name, role, expiresAtMs, blockNumber } of sold) {
        const until = `paid until ${story.clock(expiresAtMs)}`;
        story.chain(blockNumber, `subscription ${id} (${name}, ${role.role}) bought: ${until}`);
      }
      await changeLedger(host.vmsJson, (records) => {
        for (const machine of sold) register(records, machine);
      });
      const marked = sold.filter(({ role }) => role.adopted !== true);
      await inTurns(marked, BOOTS_AT_ONCE, ({ name, guest, id }) => metadata(name, guest.uuid, id));
      for (const machine of sold) machines.set(machine.role.role, machine);
    },
    machine: (role) => {
      const machine = machines.get(role);
      if (machine === undefined) throw new Error(`the machine of "${role}" was not sold`);
      return machine;
    },
  };
};

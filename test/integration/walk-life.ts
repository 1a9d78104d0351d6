import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AskRootAgent } from '../../src/drivers/root-agent/client.ts';
import { until } from '../lab/processes.ts';
import type { WalkEngine } from './walk-engine.ts';
import type { WalkHost } from './walk-host.ts';
import type { Transcript } from './walk-transcript.ts';
import type { Watch } from './walk-world.ts';

export const SLOW = { timeoutMs: 150_000, everyMs: 200 };
const HOUR_SECONDS = 3600;

/** A machine that was bought. */
export interface Bought {
  readonly name: string;
  readonly id: bigint;
  readonly customer: string;
  /** From the purchase until the machine was there, by all accounts. */
  readonly tookSeconds: number;
}

/** The parts of a customer's life that every engine leads through; each is looked at from outside. */
export const createLife = (host: WalkHost, world: Watch, agent: AskRootAgent, transcript: Transcript) => {
  const { chain, root } = host;
  const routes = async (): Promise<unknown> => (await agent('routes', {})).routes;
  const state = (...parts: readonly string[]): string => join(root.dir, 'var/lib/blockhost', ...parts);

  const buy = async (engine: WalkEngine, name: string, customer: string, seconds: number): Promise<Bought> => {
    transcript.chapter(`${name}: purchase of ${seconds} s`);
    const startedMs = performance.now();
    const { id } = await chain.buy(customer, seconds);
    await until('the purchase is dealt with', () => engine.handled() === 1, SLOW);
    expect(engine.failures()).toEqual([]);
    await until('the record is the chain’s', world.settled(name, id, 'active'), SLOW);
    const tookSeconds = Math.round((performance.now() - startedMs) / 1000);
    expect(JSON.parse(engine.calls()[0]?.stdout ?? '')).toMatchObject({ status: 'ok', vm_name: name, vmid: name });
    const record = await world.record(name);
    expect(record).toMatchObject({ owner_wallet: customer.toLowerCase(), ip_address: '10.77.0.10' });
    expect(await routes()).toEqual({ [`${record?.ipv6_address}/128`]: 'br0' });
    expect(await world.domain(name)).toBe('running');
    expect(await root.out(`stat -c %a ${['user-data', `${name}-cloud-init.iso`].map(seedOf(name)).join(' ')}`)).toBe(
      '600\n600',
    );
    await world.note(name, id);
    return { name, id, customer, tookSeconds };
  };

  /** The engine credits too many days, as each of them does. */
  const extend = async (engine: WalkEngine, { name, id, customer }: Bought, seconds: number): Promise<void> => {
    transcript.chapter(`${name}: extension by ${seconds} s while it runs`);
    await chain.extend(id, seconds, customer);
    await until('the extension is dealt with', () => engine.handled() === 2, SLOW);
    await until('what the engine credited too much is put back', world.settled(name, id, 'active'), SLOW);
    await world.note(name, id);
  };

  const payLate = async (engine: WalkEngine, { name, id, customer }: Bought): Promise<void> => {
    transcript.chapter(`${name}: late extension`);
    await chain.extend(id, HOUR_SECONDS, customer);
    await until('the late extension is dealt with', () => engine.handled() === 3, SLOW);
    expect(engine.calls().at(-1)).toMatchObject({ verb: 'resume', argv: [name], exitCode: 0 });
    expect(await world.domain(name)).toBe('running');
    await until('it is active, until when the chain says', world.settled(name, id, 'active'), SLOW);
    await world.note(name, id);
  };

  /** Both clocks say that it is over. */
  const isOver = async ({ id }: Bought, marginSeconds: bigint): Promise<boolean> => {
    const { expiresAtUnix } = await chain.subscription(id);
    const blockUnix = BigInt((await chain.block('safe')).timestampUnix);
    const over = expiresAtUnix + marginSeconds;
    return blockUnix > over && BigInt(Math.floor(Date.now() / 1000)) > over;
  };

  const expectGone = async ({ name }: Bought): Promise<void> => {
    expect([await world.domain(name), (await world.record(name))?.status]).toEqual(['absent', 'destroyed']);
    expect((await world.ledger()).allocated_ips).toEqual([]);
    expect([existsSync(state('vms', `${name}.qcow2`)), existsSync(state('cloud-init', name))]).toEqual([false, false]);
    expect(await routes()).toEqual({});
  };

  return { buy, extend, payLate, isOver, expectGone };
};

const seedOf =
  (name: string) =>
  (file: string): string =>
    `/var/lib/blockhost/cloud-init/${name}/${file}`;

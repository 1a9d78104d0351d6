import type { Transaction } from '../../lab/chain-calls.ts';
import type { Mined } from '../../lab/chain-client.ts';
import { inside } from '../../lab/guest.ts';
import { createMachine } from './creates.ts';
import type { Sold } from './sold.ts';
import { disturb, pause, type Sent, type SoakStage, sell } from './stage.ts';

/** People act here, one at a time. Each resolves to what was done, or undefined where it could not be. */
export type Act = (stage: SoakStage) => Promise<string | undefined>;

const note = (
  { sent }: SoakStage,
  mined: Mined,
  transaction: Transaction,
  more: Pick<Sent, 'kept' | 'lost'> = { kept: false, lost: () => undefined },
): void => void sent.push({ blockNumber: mined.blockNumber, transaction, ...more });

const MOST_CREATING = 2;
/** A create that takes longer than this says that the host is too slow for two at once. */
const QUICK_MS = 15_000;
const MOST_RUNNING = 5;
const MOST_OPEN = 11;
const EXTENDED_WITHIN_S = 30;
const DESTROY_AGAIN_MS = 5000;
const DESTROY_TRIES = 12;

export const open = ({ sold }: SoakStage): readonly Sold[] => [...sold.values()].filter(({ closed }) => !closed);

const drawn = (stage: SoakStage, may: (machine: Sold) => boolean): Sold | undefined => {
  const [first, ...rest] = open(stage).filter((machine) => !machine.spared && may(machine));
  return first && stage.random.pick([first, ...rest]);
};

/** Those whom machines are made for; the last accounts only pay for others. */
const buyerOf = ({ host, random }: SoakStage): string => host.chain.accounts[random.int(1, 5)] ?? '';
const payerOf = ({ host, random }: SoakStage): string => host.chain.accounts[random.int(6, 8)] ?? '';

export const isRunning = ({ running }: SoakStage, { name }: Sold): boolean => running.get(name) === true;

export const buy: Act = async (stage) => {
  const busy = open(stage).filter((machine) => machine.creating || isRunning(stage, machine)).length;
  const creating = open(stage).filter((machine) => machine.creating).length;
  const most = stage.createTakesMs > QUICK_MS ? 1 : MOST_CREATING;
  if (creating >= most || busy >= MOST_RUNNING || open(stage).length >= MOST_OPEN) return undefined;
  return buyFor(stage, stage.random.int(45, 100) + Math.round(stage.createTakesMs / 1000));
};

/** Buys for so many seconds, and lets the machine be made. */
export const buyFor = async (stage: SoakStage, seconds: number): Promise<string> => {
  const { chain } = stage.host;
  const buyer = buyerOf(stage);
  const bought = await chain.buy(buyer, seconds);
  note(stage, bought, chain.transaction.buy(buyer, seconds), { kept: true, lost: () => undefined });
  const machine = sell(stage, bought.id, buyer);
  machine.paidUntilUnix = Number(bought.expiresAtUnix);
  stage.background(`the create of ${machine.name}`, createMachine(stage, machine, stage.random.chance(0.5)));
  return `${machine.name} bought for ${seconds} s`;
};

export const extend: Act = async (stage) => {
  // Whoever is paid for long is left to run out, or nobody ever would.
  const soon = Date.now() / 1000 + EXTENDED_WITHIN_S;
  const machine = drawn(stage, (each) => !each.cancelled && !each.condemned && each.paidUntilUnix < soon);
  return machine && extendBy(stage, machine, stage.random.int(20, 60));
};

export const extendBy = async (stage: SoakStage, machine: Sold, seconds: number): Promise<string> => {
  const { chain } = stage.host;
  const payer = payerOf(stage);
  const mined = await chain.extend(machine.id, seconds, payer);
  machine.paidUntilUnix = Number(mined.expiresAtUnix);
  note(stage, mined, chain.transaction.extend(machine.id, seconds, payer));
  return `${machine.name} extended by ${seconds} s`;
};

export const cancel: Act = async (stage) => {
  const machine = drawn(stage, (each) => !each.cancelled && !each.condemned && !each.creating);
  return machine && cancelOf(stage, machine);
};

export const cancelOf = async (stage: SoakStage, machine: Sold): Promise<string> => {
  const { chain } = stage.host;
  machine.cancelled = true;
  const lost = (): void => {
    machine.cancelled = false;
  };
  const mined = await chain.cancel(machine.id);
  note(stage, mined, chain.transaction.cancel(machine.id, machine.buyer), { kept: false, lost });
  return `${machine.name} cancelled`;
};

export const handOn: Act = async (stage) => {
  const machine = drawn(stage, ({ token }) => token !== undefined);
  if (machine?.token === undefined) return undefined;
  const { chain } = stage.host;
  const [from, to] = [await chain.ownerOf(machine.token), buyerOf(stage)];
  if (from === to) return undefined;
  note(stage, await chain.transferNft(machine.token, to), chain.transaction.transferNft(machine.token, from, to));
  return `the credential of ${machine.name} goes to ${to.slice(0, 8)}`;
};

/** An owner types `poweroff`: his machine stays off until it is paid for anew (D16). */
export const powerOff: Act = async (stage) => {
  const machine = drawn(stage, (each) => isRunning(stage, each) && !each.ownerStopped && !each.creating);
  if (machine === undefined) return undefined;
  disturb(machine);
  machine.ownerStopped = true;
  try {
    await inside(stage.host.libvirt, machine.name).poweroffFromInside();
  } catch {
    machine.ownerStopped = false; // its agent did not answer: nobody asked it
    return undefined;
  }
  return `the owner of ${machine.name} powers it off`;
};

export const destroy: Act = async (stage) => {
  const machine = drawn(stage, (each) => !each.condemned && !each.creating && each.failedMs === undefined);
  if (machine === undefined || stage.observer.uuidOf(machine.name) === undefined) return undefined;
  machine.condemned = true;
  // libvirt may be away: whoever wants it gone asks again.
  const run = async (): Promise<void> => {
    for (let tries = 1; tries <= DESTROY_TRIES; tries += 1) {
      const { exitCode, err } = await stage.host.run('destroy', machine.name);
      if (exitCode === 0 || stage.signal.aborted) return;
      stage.tell(`the destroy of ${machine.name} fails: ${err.trim().split('\n').at(-1)}`);
      await pause(stage, DESTROY_AGAIN_MS);
    }
  };
  stage.background(`the destroy of ${machine.name}`, run());
  return `an operator destroys ${machine.name}`;
};

export const killQemu: Act = async (stage) => {
  const machine = drawn(stage, (each) => isRunning(stage, each) && !each.creating);
  if (machine === undefined) return undefined;
  disturb(machine);
  await stage.host.libvirt.kill9(machine.name).catch(() => undefined);
  machine.disturbedMs = performance.now();
  return `kill -9 of the qemu of ${machine.name}`;
};

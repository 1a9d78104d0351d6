import { walletOf } from '../world/machines.ts';
import { command, engineCreates, word } from '../world/people.ts';
import { disturb, type Executors, machineAt, unixNow } from './stage.ts';

/** A customer buys, and the engine makes the machine, again where it fails. */
export const buy: Executors['buy'] = (stage, { seconds }) => {
  const { world } = stage;
  const number = 100 + world.machines.size;
  const owner = walletOf(number);
  world.chain.send({ kind: 'buy', owner, expiresAt: unixNow(stage) + BigInt(seconds) });
  let tries = 0;
  const serve = async (id: bigint): Promise<void> => {
    const uuid = world.newUuid();
    tries += 1;
    const { outcome } = engineCreates(
      world,
      id,
      owner,
      uuid,
      world.chance.took.chance(0.15) ? world.chance.took.int(1, 30) : undefined,
    );
    const result = await outcome;
    const machine = world.machines.get(uuid);
    const there = world.hypervisor.guest(uuid) !== undefined;
    // One that was broken off is no machine yet: it is finished, or undone, and nobody was told of it (D8, L4).
    if (machine && result.ok) machine.unfinished = false;
    if (machine) disturb(stage, machine);
    stage.tell(`engine: create of ${id} ${result.ok ? 'is done' : `failed: ${result.why}`}`);
    if (result.ok || there || tries > 4) return;
    await world.clock.sleep(60_000);
    if (machine && world.hypervisor.guest(uuid) === undefined) world.machines.delete(uuid);
    await serve(id);
  };
  const find = async (): Promise<void> => {
    for (let looks = 0; looks < 20; looks += 1) {
      await world.clock.sleep(world.scenario.host.blockMs + 1000);
      const found = [...world.chain.head().subscriptions].find(([, { owner: buyer }]) => buyer === owner);
      if (found) return serve(found[0]);
    }
  };
  void find();
};

/** An operator gives one of the contract's commands. */
export const operator: Executors['operator'] = (stage, { machine: number, says, days, dies }) => {
  const { world } = stage;
  const machine = machineAt(stage, number);
  if (!machine) return;
  disturb(stage, machine);
  const before = { stopped: machine.stoppedByHand, condemned: machine.condemned };
  if (says === 'stop' || says === 'kill') machine.stoppedByHand = true;
  if (says === 'destroy') machine.condemned = true;
  if (says === 'start' || says === 'resume') machine.pausedByOthers = true;
  const end = stage.troubles.begin('passing');
  void command(world, says, machine.name, days, dies).outcome.then((result) => {
    end();
    disturb(stage, machine);
    stage.tell(`operator: ${says} ${machine.name} ${result.ok ? 'is done' : `failed: ${result.why}`}`);
    if (says === 'start' || says === 'resume') {
      machine.pausedByOthers = false;
      if (result.ok || dies !== undefined) machine.stoppedByHand = false;
      if (result.ok || dies !== undefined) machine.stoppedByOwner = false;
    }
    // An order that could not be carried out at once stands in the journal, unless a word refused it.
    if (!result.ok && says === 'destroy' && /is held|is protected/.test(result.why)) {
      machine.condemned = before.condemned;
    }
    if (!result.ok && dies === undefined && (says === 'stop' || says === 'kill'))
      machine.stoppedByHand =
        before.stopped || stage.daemon()?.state()?.machines[machine.uuid]?.adminStop !== undefined;
  });
};

/** An operator's word (L11). */
export const spoken: Executors['word'] = (stage, { machine: number, says, forMs = 3_600_000 }) => {
  const { world } = stage;
  const machine = machineAt(stage, number);
  if (!machine) return;
  const { name: vm } = machine;
  const nowMs = world.clock.monotonicMs();
  if (says === 'hold') machine.heldUntilMs = Math.max(machine.heldUntilMs, nowMs + forMs);
  const reason = 'the simulator says so';
  const words = {
    hold: { word: 'hold', vm, reason, forMs },
    release: { word: 'release', vm },
    protect: { word: 'protect', vm, reason, forMs },
    unprotect: { word: 'unprotect', vm },
    ack: { word: 'ack', what: vm },
  } as const;
  disturb(stage, machine);
  void word(world, words[says]).outcome.then((result) => {
    if (result.ok && says === 'release') machine.heldUntilMs = 0;
    // Only a word that is written protects; a later one stands in place of the one before.
    if (result.ok && says === 'protect') machine.protectedUntilMs = nowMs + forMs;
    if (says === 'unprotect') machine.protectedUntilMs = 0;
    stage.tell(`operator: ${says} ${vm} ${result.ok ? 'is written' : `failed: ${result.why}`}`);
  });
};

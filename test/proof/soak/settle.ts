import type { SeenMachine, Sight } from '../../../src/simulator/invariants/sight.ts';
import { isOn, isPaid } from '../../../src/simulator/invariants/sight.ts';
import { inside } from '../../lab/guest.ts';
import { cancelOf, extendBy, open } from './people.ts';
import { GRACE_S, QUARANTINE_S } from './settings.ts';
import { pause, type SoakStage } from './stage.ts';

/** Longer than anybody waits for the end. */
const LONG_S = 7200;
const REACTION_MS = 120_000;
const CONVERGES_MS = (GRACE_S + QUARANTINE_S) * 1000 + REACTION_MS;
const LOGIN_MS = 60_000;
const REST_LOOKS = 6;

/** What is not yet as chain and words want it to be, in words; nothing is right. */
const unsettled = ({ trueUnix }: Sight, machine: SeenMachine): string | undefined => {
  const { name, domain, record, condemned, excused } = machine;
  if (domain !== undefined && !condemned && isPaid(machine, trueUnix)) {
    if (!isOn(domain)) return excused ? undefined : `${name} is paid for and ${domain.run}`;
    if (record?.status !== 'active') return `${name} runs and its record says ${record?.status ?? 'nothing'}`;
    return record.expiresAtUnix === machine.expiresAtUnix ? undefined : `the record of ${name} has another expiry`;
  }
  const left = domain !== undefined || machine.files > 0 || (record !== undefined && record.status !== 'destroyed');
  return left ? `something is left of ${name}, which is ${condemned ? 'destroyed' : 'not paid for'}` : undefined;
};

/** Half of all are paid for long; the others are over now, and go their way to the end. */
const lastWords = async (stage: SoakStage): Promise<void> => {
  for (const machine of open(stage)) {
    if (machine.cancelled || machine.condemned) continue;
    const words = stage.random.chance(0.5) ? extendBy(stage, machine, LONG_S) : cancelOf(stage, machine);
    stage.tell(`at the end: ${await words}`);
  }
};

const loginsAreRight = async (stage: SoakStage): Promise<void> => {
  const { host, observer, running } = stage;
  const named = open(stage).filter(({ token, name }) => token !== undefined && running.get(name) === true);
  await Promise.all(
    named.map(async ({ name, token }) => {
      const owner = (await host.chain.ownerOf(token ?? 0n)).toLowerCase();
      const untilMs = performance.now() + LOGIN_MS;
      let lets = 'an agent that does not answer';
      while (performance.now() < untilMs && !stage.signal.aborted) {
        lets = await inside(host.libvirt, name)
          .gecos()
          .catch(() => lets);
        if (lets.toLowerCase().includes(`wallet=${owner}`)) return;
        await pause(stage, 1000);
      }
      const what = `${name} lets in ${lets}; its credential belongs to ${owner}`;
      if (!stage.signal.aborted) observer.report({ invariant: 'login-follows-owner', machine: name, what });
    }),
  );
};

/** Nobody does anything any more: all must come to rest, and be as chain and words want it to be. */
export const settle = async (
  stage: SoakStage,
  lastSight: () => Sight | undefined,
  look: (atRest: boolean) => Promise<void>,
): Promise<void> => {
  await lastWords(stage);
  const untilMs = performance.now() + CONVERGES_MS;
  const left = (): readonly string[] => {
    const sight = lastSight();
    return sight === undefined
      ? ['nothing was seen yet']
      : sight.machines.flatMap((machine) => unsettled(sight, machine) ?? []);
  };
  await pause(stage, 3000); // a look at what the last words changed
  while (left().length > 0 && performance.now() < untilMs && !stage.signal.aborted) await pause(stage, 500);
  for (const what of left()) stage.observer.report({ invariant: 'all-converges', what: `at the end ${what}` });
  await loginsAreRight(stage);
  for (let looks = 0; looks < REST_LOOKS && !stage.signal.aborted; looks += 1) {
    await look(looks > 0);
    await pause(stage, 1000);
  }
};

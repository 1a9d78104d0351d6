import { explain } from '../domain/errors.ts';
import { subscriptionKey } from '../domain/identity.ts';
import type { CreateMissing } from '../operations/create-missing.ts';
import type { Deps } from '../operations/deps.ts';
import type { Fleet } from '../operations/fleet.ts';
import { putRoutesBack } from '../operations/put-routes-back.ts';
import { createUnserved } from '../operations/unserved.ts';
import type { Gate } from './gate.ts';

export interface SurveyedDeps {
  readonly deps: Pick<Deps, 'records' | 'chain' | 'clock' | 'policy' | 'log' | 'journal' | 'hostRoutes'>;
  readonly fleet: Pick<Fleet, 'uuidOf' | 'boundTo'>;
  readonly gate: Gate;
  readonly missing: CreateMissing | undefined;
}

/**
 * After each survey of the domains: opens the gate as far as it can, and looks the other way round (L12): a live record
 * without any machine, and a paid subscription without one (D13), are told once, and the latter made where that is wanted;
 * host routes that a reboot or the root agent lost are put back (D27).
 */
export const surveyed = ({ deps, fleet, gate, missing }: SurveyedDeps) => {
  const { log } = deps;
  const told = new Set<string>();
  const unserved = createUnserved(deps, fleet);

  const once = (key: string, tell: () => void): void => {
    if (!told.has(key)) tell();
    told.add(key);
  };

  const lookAtRecords = async (): Promise<void> => {
    const live = (await deps.records.list()).filter(({ status }) => status !== 'destroyed');
    gate.pass('records');
    for (const { name, status } of live.filter((record) => fleet.uuidOf(record.name) === undefined)) {
      once(name, () => log.warn({ vm: name, status, rule: 'L12' }, 'a live record has no machine'));
    }
  };

  const lookAtSubscriptions = async (): Promise<void> => {
    const bare = await unserved();
    for (const { ref, owner, vmName: vm } of bare) {
      const fields = { vm, subscriptionId: ref.subscriptionId, contract: ref.contract, owner, rule: 'D13' };
      once(subscriptionKey(ref), () => log.error(fields, 'a paid subscription has no machine: run create for it'));
    }
    // Nothing is made before everything that is there was seen once (L6).
    if (missing?.wanted && gate.waitsFor().length === 0) await missing.make(bare);
  };

  let running: Promise<void> | undefined;

  const lookAround = async (): Promise<void> => {
    for (const look of [lookAtRecords, () => putRoutesBack(deps), lookAtSubscriptions]) {
      try {
        await look();
      } catch (error) {
        log.warn({ why: explain(error) }, 'not looked at after the survey');
      }
    }
  };

  const onSurvey = (): Promise<void> => {
    gate.pass('libvirt');
    gate.pass('snapshot');
    // A slow endpoint must not let surveys pile up behind it.
    running ??= lookAround().finally(() => {
      running = undefined;
    });
    return running;
  };
  return {
    onSurvey,
    /** Resolves when nothing of this runs: a machine that is being made is whole or taken back by then. */
    idle: async (): Promise<void> => running,
  };
};

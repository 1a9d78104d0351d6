import { explain } from '../domain/errors.ts';
import type { Fleet } from '../operations/fleet.ts';
import type { Log } from '../ports/log.ts';
import type { Records } from '../ports/records.ts';
import type { Gate } from './gate.ts';

export interface SurveyedDeps {
  readonly records: Records;
  readonly fleet: Fleet;
  readonly gate: Gate;
  readonly log: Log;
}

/**
 * After each survey of the domains: opens the gate as far as it can, and looks the other way round, from records to host
 * (L12): a live record without any machine is told once.
 */
export const surveyed = ({ records, fleet, gate, log }: SurveyedDeps) => {
  const told = new Set<string>();
  return async (): Promise<void> => {
    gate.pass('libvirt');
    gate.pass('snapshot');
    try {
      const live = (await records.list()).filter(({ status }) => status !== 'destroyed');
      gate.pass('records');
      for (const { name, status } of live.filter((record) => fleet.uuidOf(record.name) === undefined)) {
        if (!told.has(name)) log.warn({ vm: name, status, rule: 'L12' }, 'a live record has no machine');
        told.add(name);
      }
    } catch (error) {
      log.warn({ why: explain(error) }, 'records not read');
    }
  };
};

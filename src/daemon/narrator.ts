import type { WakeReason } from '../../streams/wake.ts';
import type { Uuid } from '../domain/identity.ts';
import type { Round } from '../operations/reconcile.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

/** Tells what was decided and why: each machine's decision once until it changes, each report once until it does. */
export interface Narrator {
  round(round: Round, why: WakeReason): void;
  lookFailed(uuid: Uuid, error: unknown): void;
  surveyFailed(why: string): void;
}

export const createNarrator = (deps: { readonly log: Log; readonly clock: Clock }): Narrator => {
  const rows = new Map<Uuid, string>();
  const reports = new Map<Uuid, string>();
  let surveyTrouble: string | undefined;

  const decision = ({ plan, observation }: Round, why: WakeReason): void => {
    const { uuid, name: vm, chain } = observation;
    const unknownSince = chain.kind === 'view' && !chain.view.head.known ? chain.view.head.sinceUnixMs : undefined;
    deps.log.info(
      {
        vm,
        uuid,
        row: plan.row,
        because: plan.because,
        step: plan.step?.do,
        wokenBy: `${why.source}: ${why.what}`,
        afterMs: deps.clock.nowUnixMs() - why.seenAtUnixMs,
        block: plan.basis.blockNumber,
        expiresAtUnix: plan.basis.expiresAtUnix,
        ...(unknownSince === undefined ? {} : { unknownSinceUnixMs: unknownSince }),
      },
      'decision',
    );
  };

  return {
    round: (round, why) => {
      const { plan, observation } = round;
      const { uuid } = observation;
      if (rows.get(uuid) !== plan.row || plan.step) decision(round, why);
      rows.set(uuid, plan.row);
      const { report } = plan;
      if (report && reports.get(uuid) !== report.what) {
        deps.log[report.level]({ vm: observation.name, uuid, row: plan.row, what: report.what }, 'report');
      }
      if (report) reports.set(uuid, report.what);
      else reports.delete(uuid);
      surveyTrouble = undefined;
    },
    lookFailed: (uuid, error) => deps.log.warn({ uuid, err: error }, 'look failed'),
    surveyFailed: (why) => {
      if (surveyTrouble !== why) deps.log.warn({ why }, 'libvirt does not list its domains');
      surveyTrouble = why;
    },
  };
};

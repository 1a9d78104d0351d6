import type { ModelNode } from '../models/model-node.ts';
import { walletOf } from '../world/machines.ts';
import { after, type Executors, type Of, type Stage } from './stage.ts';

const DAY_S = 86_400n;

const spoil = ({ world }: Stage, node: ModelNode, is: Of<'node'>['is']): void => {
  const { faults } = node;
  switch (is) {
    case 'refused':
    case 'hang':
    case 'http-500':
    case 'http-429':
      faults.fail = is;
      return;
    case 'lagging':
      faults.lag = 3;
      return;
    case 'frozen':
      faults.frozen = [...world.chain.canonical()];
      return;
    case 'says-over':
      faults.distorts = (there, block) => ({ ...there, expiresAt: block.timestamp - 40n * DAY_S, cancelled: true });
      return;
    case 'says-paid':
      faults.distorts = (there, block) => ({ ...there, expiresAt: block.timestamp + 40n * DAY_S });
      return;
    case 'misnames':
      faults.misnames = () => walletOf(666);
      return;
    case 'no-logs':
      faults.forgetsLogs = true;
      return;
    case 'slow':
      faults.latencyMs = () => world.chance.nodes.int(1, 2500);
      return;
    case 'wrong-chain':
      faults.chainId = 1;
  }
};

/** A node is as it was before anything was wrong with it. */
export const heal = ({ world }: Stage, { faults }: ModelNode): void => {
  for (const key of Object.keys(faults)) Reflect.deleteProperty(faults, key);
  const { answerMs } = world.scenario.host;
  if (answerMs > 0) faults.latencyMs = () => world.chance.nodes.int(1, answerMs);
};

/** At most one node lies at a time, and never the only one: against that nothing helps. */
export const mayLie = ({ world }: Stage): boolean =>
  world.chain.nodes.length > 1 &&
  world.chain.nodes.every(({ faults }) => !LIE_KEYS.some((key) => faults[key]) && faults.fail === undefined);

const LIE_KEYS = ['distorts', 'misnames', 'frozen', 'forgetsLogs', 'tamper'] as const;
const LIES: ReadonlySet<string> = new Set(['says-over', 'says-paid', 'misnames', 'frozen', 'no-logs']);

/** One node misbehaves for a while. */
export const nodeFault: Executors['node'] = (stage, { node: number, is, forMs }) => {
  const node = stage.world.chain.nodes[number % stage.world.chain.nodes.length];
  if (!node || (LIES.has(is) && !mayLie(stage))) return;
  // While one lies, the others stay well: that the only one left to ask lies is beyond what can be withstood.
  if (stage.world.chain.nodes.some(({ faults }) => LIE_KEYS.some((key) => faults[key]))) return;
  spoil(stage, node, is);
  const end = stage.troubles.begin('node');
  after(stage, forMs, () => {
    heal(stage, node);
    end();
  });
};

import { BlockhostError } from '../../domain/errors.ts';

/** What went wrong with an endpoint, by what can be done about it. */
export type RpcFault =
  | 'timeout' // no answer within the deadline
  | 'unreachable' // no connection
  | 'rate-limited' // 429 and its relatives
  | 'http' // any other status that is not a success
  | 'garbage' // an answer that is not what the protocol says
  | 'rpc' // a well-formed error answer
  | 'unsupported' // a method, tag or parameter form that the node lacks
  | 'reverted' // the contract refused the call
  | 'missing-block' // the node does not have that block or its state
  | 'moved' // the chain changed while it was read
  | 'wrong-chain'
  | 'no-code'
  | 'stale'
  | 'behind'
  | 'ahead' // its head is further on than any chain can have got
  | 'off-cursor' // the blocks that we know are not on this node's chain
  | 'undecodable' // a log or result of our contract that its ABI cannot read (C3)
  | 'distrusted' // waiting for an operator (D23)
  | 'no-node';

export interface RpcFailureFacts {
  readonly retryAfterMs?: number;
  readonly hint?: string;
  readonly cause?: unknown;
}

/** An endpoint, or all of them, could not answer; `message` is already redacted and fit for a log. */
export class RpcFailure extends BlockhostError {
  readonly fault: RpcFault;
  readonly retryAfterMs: number | undefined;

  constructor(fault: RpcFault, message: string, facts: RpcFailureFacts = {}) {
    super(message, {
      code: `rpc-${fault}`,
      retryable: fault !== 'undecodable' && fault !== 'distrusted',
      ...(facts.hint === undefined ? {} : { hint: facts.hint }),
      ...(facts.cause === undefined ? {} : { cause: facts.cause }),
    });
    this.fault = fault;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** What one endpoint of a pool said, for the reason that is shown when none could be used. */
export interface EndpointFault {
  readonly endpoint: string;
  readonly fault: RpcFault;
  readonly why: string;
}

/** No endpoint could serve; `faults` has one entry per endpoint that was asked. */
export class NoNodeFailure extends RpcFailure {
  readonly faults: readonly EndpointFault[];

  constructor(faults: readonly EndpointFault[]) {
    const said = faults.map((one) => `${one.endpoint}: ${one.why}`).join('; ');
    super('no-node', said === '' ? 'no endpoint may be asked at the moment' : said);
    this.faults = faults;
  }
}

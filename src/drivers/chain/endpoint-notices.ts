import type { Log } from '../../ports/log.ts';
import type { RpcFailure, RpcFault } from './rpc-failure.ts';

const CONFIGURATION: readonly RpcFault[] = ['wrong-chain', 'no-code', 'off-cursor'];
const QUIET: readonly RpcFault[] = ['behind', 'moved', 'missing-block', 'reverted', 'unsupported'];

/** More than these are the same trouble. */
const UNDECODABLE_TOLD = 20;

/**
 * Tells about an endpoint once per change, not once per request: what was found, what is wanted, what to do.
 * `error` where only an operator can help, `warn` where it may pass, `debug` for what is normal now and then.
 */
export const createEndpointNotices = (log: Log, chainId: number) => {
  const told = new Map<string, string>();
  const undecodable = new Set<string>();

  const fieldsOf = (endpoint: string, { fault, message, hint }: RpcFailure) => ({
    endpoint,
    chainId,
    fault,
    why: message,
    todo: hint,
  });

  return {
    failed(endpoint: string, failure: RpcFailure): void {
      if (QUIET.includes(failure.fault)) {
        log.debug({ endpoint, chainId, fault: failure.fault, why: failure.message }, 'endpoint could not serve');
        return;
      }
      if (failure.fault === 'undecodable') {
        // It goes on serving what is read by call, so it would be told to be used again, and not, at every look.
        if (undecodable.size < UNDECODABLE_TOLD && !undecodable.has(`${endpoint} ${failure.message}`)) {
          undecodable.add(`${endpoint} ${failure.message}`);
          log.warn({ ...fieldsOf(endpoint, failure), rule: 'C3' }, 'endpoint gives a log that does not decode');
        }
        return;
      }
      const lasting = CONFIGURATION.includes(failure.fault);
      const what = lasting ? `${failure.fault} ${failure.message}` : failure.fault;
      if (told.get(endpoint) === what) return;
      told.set(endpoint, what);
      const fields = { ...fieldsOf(endpoint, failure), rule: 'C7' };
      if (lasting) log.error(fields, 'endpoint is not used');
      else log.warn(fields, 'endpoint is not used for now');
    },
    served(endpoint: string): void {
      if (!told.delete(endpoint)) return;
      log.info({ endpoint, chainId }, 'endpoint is used again');
    },
  };
};

import { GuestAgentError } from '../domain/errors.ts';
import type { Address, Uuid } from '../domain/identity.ts';
import type { Deps } from './deps.ts';

const USERNAME = /^[a-z_][a-z0-9_-]{0,31}$/;
/** A guest that boots takes its time. Setting and reading back together stay within the 30 s of whoever calls update-gecos. */
const SET_TIMEOUT_MS = 14_000;
const READ_TIMEOUT_MS = 6_000;

/** The GECOS field that every version of the login module understands. */
export const gecosOf = (owner: Address, tokenId: bigint): string => `wallet=${owner},nft=${tokenId}`;

const run = async (
  deps: Pick<Deps, 'agent'>,
  uuid: Uuid,
  argv: readonly string[],
  timeoutMs: number,
): Promise<string> => {
  const result = await deps.agent.exec(uuid, argv, { timeoutMs });
  if (result.exitCode === 0) return result.stdout;
  throw new GuestAgentError(`${argv[0]} in the guest ended with ${result.exitCode}`, {
    code: 'guest-command-failed',
    retryable: true,
  });
};

/**
 * Lets the guest's GECOS name the credential's owner, and reads it back: only what was seen is believed (D25). From the first
 * word to the last nobody believes anything, so whatever cuts it off, GECOS is set anew.
 */
export const setLogin = async (
  deps: Pick<Deps, 'agent' | 'journal'>,
  uuid: Uuid,
  login: { readonly owner: Address; readonly tokenId: bigint; readonly username: string },
): Promise<void> => {
  if (!USERNAME.test(login.username)) {
    throw new GuestAgentError('the record has no usable user name', {
      code: 'no-username',
      retryable: false,
      hint: 'set username in its record',
    });
  }
  const gecos = gecosOf(login.owner, login.tokenId);
  await deps.journal.append([{ kind: 'login-begun', uuid }]);
  await run(deps, uuid, ['/usr/sbin/usermod', '-c', gecos, login.username], SET_TIMEOUT_MS);
  const entry = await run(deps, uuid, ['/usr/bin/getent', 'passwd', login.username], READ_TIMEOUT_MS);
  if (entry.split(':')[4] !== gecos) {
    throw new GuestAgentError('the guest still names somebody else', { code: 'gecos-unchanged', retryable: true });
  }
  await deps.journal.append([{ kind: 'login-set', uuid, owner: login.owner }]);
};

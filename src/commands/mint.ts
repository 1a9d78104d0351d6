import * as z from 'zod';
import { address } from '../config/leaves.ts';
import { BlockhostError } from '../domain/errors.ts';
import { openMinter } from '../host/open-minter.ts';
import type { Minted, MintPlan, MintRequest } from '../ports/minter.ts';
import { runCommand } from './run-command.ts';

/** `blockhost-mint-nft`'s arguments as they were typed. */
export interface MintArguments {
  readonly ownerWallet: string;
  readonly machineId?: string;
  readonly userEncrypted: string;
  readonly publicSecret: string;
  readonly dryRun?: boolean;
  readonly keyFile?: string;
  readonly passwordFile?: string;
}

const hex = z
  .string()
  .regex(/^0x(?:[0-9a-f]{2}){0,8192}$/i)
  .transform((text) => text.toLowerCase() as `0x${string}`);

/** Reads the arguments. Throws, naming the flag, before anything is looked at. */
export const mintRequestOf = (given: MintArguments): MintRequest => {
  const owner = address.safeParse(given.ownerWallet);
  if (!owner.success) throw refused('--owner-wallet wants 0x and 40 hexadecimal digits, not all of them zero');
  const userEncrypted = hex.safeParse(given.userEncrypted);
  if (!userEncrypted.success) throw refused('--user-encrypted wants 0x and hexadecimal digits, two for each byte');
  if (given.publicSecret.length > 1000) throw refused('--public-secret is longer than 1000 characters');
  return {
    machineId: machineIdOf(given.machineId, userEncrypted.data),
    owner: owner.data,
    userEncrypted: userEncrypted.data,
    publicSecret: given.publicSecret,
    expiresAtUnix: 0n,
  };
};

/** What is encrypted is another text each time, and so as good as a name: its tag tells a repeated call from a new one. */
const machineIdOf = (given: string | undefined, userEncrypted: string): string => {
  if (given !== undefined) {
    if (/^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/.test(given)) return given;
    throw refused('--machine-id wants letters, digits, dots, dashes and underscores');
  }
  if (userEncrypted.length >= 66) return `encrypted-${userEncrypted.slice(-64)}`;
  throw refused('--machine-id is missing; without it nobody could tell a second call from a second machine');
};

const refused = (message: string): BlockhostError =>
  new BlockhostError(message, { code: 'argument', retryable: false, hint: '--help shows what is wanted' });

/** Mints, or says what would be sent. The token's id is the last line on stdout, and nothing but digits. */
export const mint = (given: MintArguments): Promise<void> =>
  runCommand('blockhost-mint-nft', async ({ config, paths, clock, log, stop, out, tell }) => {
    const request = mintRequestOf(given);
    const { keyFile, passwordFile } = given;
    const options = {
      ...(keyFile === undefined ? {} : { keyFile }),
      ...(passwordFile === undefined ? {} : { passwordFile }),
    };
    const minter = await openMinter({ config, paths, clock, log: telling(log, tell), ...options });
    if (given.dryRun) {
      for (const line of describe(await minter.plan(request), request)) out(line);
      return 0;
    }
    const minted = await minter.mint(request, stop);
    tell(`token ${minted.tokenId} ${minted.already ? 'had been minted' : 'was minted'} in ${minted.txHash}`);
    out(String(minted.tokenId));
    return 0;
  });

/** What a person has to know is told also where no log is asked for. */
const telling = <L extends { warn(fields: Record<string, unknown>, message: string): void }>(
  log: L,
  tell: (line: string) => void,
): L => ({
  ...log,
  warn: (fields: Record<string, unknown>, message: string) => {
    tell(typeof fields.path === 'string' ? `${message}: ${fields.path}` : message);
    log.warn(fields, message);
  },
});

const describe = (plan: MintPlan | Minted, { machineId, owner }: MintRequest): readonly string[] =>
  'tokenId' in plan
    ? [`nothing would be sent: ${machineId} has its token`, String(plan.tokenId)]
    : [
        `would send ${plan.method} to ${plan.to} on chain ${plan.chainId}`,
        `  for ${machineId}, owner ${owner}`,
        `  from ${plan.from}, nonce ${plan.nonce}, at most ${plan.gas} gas and ${plan.cost} wei`,
      ];

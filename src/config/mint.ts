import type { Paths } from './paths.ts';
import type { Files } from './read-files.ts';

const MINUTE = 60_000;

/** How credential tokens are minted. */
export interface MintConfig {
  readonly keyFile: string;
  readonly passwordFile?: string;
  readonly confirmations: number;
  readonly stuckAfterMs: number;
  readonly giveUpAfterMs: number;
  readonly maxFeeGwei: number;
}

export const readMint = ({ ours, env, web3 }: Files, paths: Paths): MintConfig => {
  const given = ours.mint;
  const ofEngine = env.DEPLOYER_KEY_FILE ?? web3.deployer?.private_key_file ?? web3.deployer_key_path;
  return {
    keyFile: paths.underRoot(given?.key_file ?? ofEngine ?? '/etc/blockhost/deployer.key'),
    ...(given?.password_file === undefined ? {} : { passwordFile: paths.underRoot(given.password_file) }),
    confirmations: given?.confirmations ?? 2,
    stuckAfterMs: given?.stuck_after ?? MINUTE,
    giveUpAfterMs: given?.give_up_after ?? 10 * MINUTE,
    maxFeeGwei: given?.max_fee_gwei ?? 500,
  };
};

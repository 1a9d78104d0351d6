import * as z from 'zod';
import type { Sold } from './sold.ts';
import { pause, type SoakStage } from './stage.ts';

const SMALL = ['--memory', '256', '--disk', '1', '--username', 'customer', '--apply'];
const TRIES = 3;
const AGAIN_MS = 6000;

const answerSchema = z.object({ nft_token_id: z.union([z.int(), z.string(), z.null()]).optional() });

/**
 * Has a machine made by the command that ships, as an engine does; one that was refused (chain or libvirt may be away) is
 * asked for again a few times.
 */
export const createMachine = async (stage: SoakStage, machine: Sold, minted: boolean): Promise<void> => {
  const { name, buyer } = machine;
  for (let tries = 1; tries <= TRIES && !stage.signal.aborted && !(tries > 1 && stage.ending); tries += 1) {
    machine.creating = true;
    const argv = [name, '--owner-wallet', buyer, ...SMALL, ...(minted ? [] : ['--no-mint'])];
    const { exitCode, out, err, tookMs } = await stage.host.run('create', ...argv);
    machine.creating = false;
    stage.lastCreateMs = performance.now();
    stage.createTakesMs = tookMs;
    if (exitCode === 0) {
      machine.failedMs = undefined;
      const { nft_token_id: token } = answerSchema.parse(JSON.parse(out.trim().split('\n').at(-1) ?? ''));
      const warned = err.includes('was not minted');
      if (minted && !warned && token !== undefined && token !== null) machine.token = BigInt(token);
      stage.count('machines made');
      stage.tell(`${name} is made, in ${(tookMs / 1000).toFixed(1)} s${warned ? ', without its credential' : ''}`);
      return;
    }
    machine.failedMs = performance.now();
    stage.count('creates refused');
    stage.tell(`the create of ${name} fails: ${err.trim().split('\n').at(-1)}`);
    await pause(stage, AGAIN_MS);
    if (stage.running.has(name)) return; // it was made after all
  }
  if (!stage.running.has(name)) machine.closed = true;
};

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AnvilLab, startAnvil } from '../lab/anvil.ts';
import type { Deployed } from '../lab/blockhost-chain.ts';
import { buildGuestImage } from '../lab/guest-image.ts';
import { type LibvirtLab, startLibvirt } from '../lab/libvirt.ts';
import { type RpcProxy, startRpcProxy } from '../lab/rpc-proxy.ts';
import { createDaemonProcess, type DaemonProcess } from './daemon-process.ts';
import { bootForeigners, type Foreigners } from './foreign.ts';
import { type DemoHost, prepareHost } from './host.ts';
import type { Story } from './story.ts';
import { createWorkplace } from './workplace.ts';

/** All real parts of one run. */
export interface Laboratory {
  readonly directory: string;
  readonly chain: AnvilLab;
  readonly deployed: Deployed;
  /** Two ways to the same chain; the daemon knows no other. */
  readonly endpoints: readonly RpcProxy[];
  readonly libvirt: LibvirtLab;
  readonly host: DemoHost;
  readonly daemon: DaemonProcess;
  readonly foreigners: Foreigners;
}

/** Undoes, last first, everything that was begun so far; safe to call at any moment, and twice. */
export interface Cleaner {
  defer(what: string, undo: () => Promise<void>): void;
  clean(): Promise<void>;
}

export const createCleaner = (): Cleaner => {
  const undos: { what: string; undo: () => Promise<void> }[] = [];
  return {
    defer: (what, undo) => void undos.push({ what, undo }),
    clean: async () => {
      for (let last = undos.pop(); last !== undefined; last = undos.pop()) {
        try {
          await last.undo();
        } catch (error) {
          process.stderr.write(`clean-up (${last.what}): ${error instanceof Error ? error.message : String(error)}\n`);
        }
      }
    },
  };
};

/** `safe` is 4 blocks behind the head and `finalized` 8; a block comes every second, by the wall clock. */
const CHAIN = { blockTimeSeconds: 1, slotsInAnEpoch: 4 } as const;

const startChain = async (directory: string, cleaner: Cleaner) => {
  const chain = await startAnvil({ ...CHAIN, logFile: join(directory, 'anvil.log') });
  cleaner.defer('anvil', () => chain.stop());
  const deployed = await chain.deployBlockhost();
  const endpoints = await Promise.all([startRpcProxy(chain.url), startRpcProxy(chain.url)]);
  for (const endpoint of endpoints) cleaner.defer('RPC proxy', () => endpoint.stop());
  return { chain, deployed, endpoints };
};

/** Starts everything but the machines and the daemon. */
export const startLaboratory = async (story: Story, cleaner: Cleaner, keep: boolean): Promise<Laboratory> => {
  const directory = await createWorkplace();
  cleaner.defer('directory', async () => {
    if (keep) await writeFile(join(directory, 'kept'), '');
    else await rm(directory, { recursive: true, force: true });
  });
  await buildGuestImage({ log: story.progress });
  story.act('starting a chain of our own (anvil), with the contracts, and a libvirtd of our own');
  const startedLibvirt = startLibvirt({ dir: join(directory, 'v') }).then((lab) => {
    cleaner.defer('libvirt', () => lab.stop());
    return lab;
  });
  const [{ chain, deployed, endpoints }, libvirt] = await Promise.all([startChain(directory, cleaner), startedLibvirt]);
  const foreigners = await bootForeigners(libvirt, join(directory, 'foreign'));
  const urls = endpoints.map(({ url }) => url);
  const host = await prepareHost({ root: join(directory, 'root'), libvirt, chain, deployed, endpoints: urls });
  const daemon = createDaemonProcess({ env: host.env, logFile: join(directory, 'daemon.log') });
  cleaner.defer('daemon', () => daemon.kill9());
  return { directory, chain, deployed, endpoints, libvirt, host, daemon, foreigners };
};

import type { ChainSettings } from '../domain/chain-settings.ts';
import { DEFAULT_POLICY, type Policy } from '../domain/policy.ts';
import type { TemplateSettings } from '../domain/template.ts';
import { type IpPool, type Ipv6Pool, readIpPool, readIpv6Pool } from './address-pools.ts';
import type { Entitlement } from './contracts.ts';
import { readEngineChain } from './engine-chain.ts';
import { type GuestConfig, readGuest } from './guest.ts';
import { mergeChains } from './merge-chains.ts';
import { mergePolicy } from './merge-policy.ts';
import { type MintConfig, readMint } from './mint.ts';
import type { Paths } from './paths.ts';
import { createProblems, type Problems } from './problems.ts';
import { type Files, readFiles } from './read-files.ts';
import { type ReadText, readText } from './read-text.ts';
import { templateSettings } from './template-schema.ts';

/** Everything that the program is told from outside, checked and with its defaults filled in. */
export interface Config {
  readonly policy: Policy;
  /** [] is a known fact: no chain is configured (D12). */
  readonly chains: readonly ChainSettings[];
  /** What an expiry is read from (D11). */
  readonly entitlement: Entitlement;
  readonly libvirtUri: string;
  /** The shared vms.json. */
  readonly dbFile: string;
  readonly storagePath: string;
  readonly storagePool: string;
  /** `<cloudInitDir>/<vm name>/`. */
  readonly cloudInitDir: string;
  readonly bridge: string;
  readonly ipPool: IpPool | undefined;
  readonly ipv6Pool: Ipv6Pool | undefined;
  readonly defaultExpiryDays: number;
  readonly sweepEveryMs: number;
  readonly nightlyCron: string;
  readonly maxParallelSteps: number;
  /** What new guests are told, as far as configuration knows. */
  readonly guest: GuestConfig;
  /** How credential tokens are minted. */
  readonly mint: MintConfig;
  /** What a template is built from. */
  readonly template: TemplateSettings;
  /** The engine looks for a line that begins with `BLOCKHOST_RESULT: `. */
  readonly resultSentinel: boolean;
  /** engine.json is present: that engine mints (D13). */
  readonly createdByEngine: boolean;
  /** What a wallet looks like to the engine, as a regular expression; an EVM address where it does not say. */
  readonly walletPattern: string | undefined;
  /** Sentences for the log; nothing here stops anything. */
  readonly warnings: readonly string[];
}

export interface LoadConfigOptions {
  readonly paths: Paths;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For tests; reads the real files by default. */
  readonly readFile?: ReadText;
}

/**
 * Reads every configuration file and merges them. Throws one `ConfigError` that lists all problems, each with file, key,
 * what was found and what is wanted; no message ever quotes a secret. A file that is absent means its defaults.
 */
export const loadConfig = async ({ paths, env, readFile = readText }: LoadConfigOptions): Promise<Config> => {
  const problems = createProblems();
  const files = await readFiles(paths, readFile, problems);
  if (files.dbAbsent) problems.warn(paths.dbYaml, 'is absent; what ships is used');
  // Files with faults of their own come back as empty ones; merging those would only add problems that are none.
  problems.throwIfAny();
  const config = merge(files, { paths, env, problems });
  problems.throwIfAny();
  return { ...config, warnings: problems.warnings };
};

interface Context {
  readonly paths: Paths;
  readonly env: LoadConfigOptions['env'];
  readonly problems: Problems;
}

const merge = (files: Files, { paths, env, problems }: Context): Omit<Config, 'warnings'> => {
  const { db, ours, broker } = files;
  const policy = mergePolicy({ db, dbFile: paths.dbYaml, ours, oursFile: paths.provisionerYaml }, problems);
  const engine = readEngineChain(files, paths, problems);
  const chains = mergeChains({ ours, file: paths.provisionerYaml, engine }, problems);
  tellOfClosedEnv(files, chains, paths, problems);
  warnOfOneWitness(chains, policy, paths, problems);
  return {
    policy,
    chains,
    entitlement: ours.entitlement ?? 'subscription',
    libvirtUri: ours.libvirt_uri ?? (env.LIBVIRT_DEFAULT_URI || 'qemu:///system'),
    dbFile: dbFileOf(files, paths, problems),
    storagePath: paths.underRoot(db.storage_path ?? '/var/lib/blockhost/vms'),
    storagePool: db.storage_pool ?? 'blockhost',
    cloudInitDir: paths.cloudInitDir,
    bridge: db.bridge ?? 'br0',
    ipPool: readIpPool(db.ip_pool, paths.dbYaml, problems),
    ipv6Pool: readIpv6Pool({ broker, db }, paths, problems),
    defaultExpiryDays: db.default_expiry_days ?? 30,
    sweepEveryMs: ours.sweep_every ?? 300_000,
    nightlyCron: ours.nightly_cron ?? '0 2 * * *',
    maxParallelSteps: ours.max_parallel_steps ?? 4,
    guest: readGuest(files, chains, paths),
    mint: readMint(files, paths),
    template: templateSettings(ours.template),
    resultSentinel: ours.result_sentinel ?? false,
    createdByEngine: files.engineManifestPresent,
    walletPattern: files.engine.constraints?.address_pattern,
  };
};

/** The engine's reconciler writes to the usual path whatever db.yaml says, so another one splits the records in two. */
const dbFileOf = ({ db }: Files, paths: Paths, problems: Problems): string => {
  const dbFile = paths.underRoot(db.db_file ?? db.db_path ?? paths.vmsJson);
  if (db.db_file !== undefined && db.db_path !== undefined && db.db_file !== db.db_path) {
    problems.warn(paths.dbYaml, 'db_file and db_path differ; the first counts');
  }
  if (dbFile !== paths.vmsJson) problems.warn(paths.dbYaml, `db_file is not ${paths.vmsJson}, where the engine writes`);
  return dbFile;
};

/** A file that cannot be read may hold the chain: "not configured" would then be a guess, and it would permit harm (D12). */
const tellOfClosedEnv = (files: Files, chains: readonly ChainSettings[], paths: Paths, problems: Problems): void => {
  if (files.envUnreadable === undefined) return;
  const needed = chains.length === 0 && files.ours.chains === undefined;
  if (needed) problems.add(paths.engineEnv, `${files.envUnreadable}; no other file names a chain`);
  else problems.warn(paths.engineEnv, files.envUnreadable);
};

/** With one endpoint the gap between two reads is the only witness there is (C5). */
const warnOfOneWitness = (chains: readonly ChainSettings[], policy: Policy, paths: Paths, problems: Problems): void => {
  if (policy.witnessGapMs >= DEFAULT_POLICY.witnessGapMs) return;
  for (const { chainId, endpoints } of chains) {
    if (endpoints.length > 1) continue;
    problems.warn(
      paths.provisionerYaml,
      `policy.witness_gap is shorter than what ships, and chain ${chainId} has one endpoint`,
    );
  }
};

import type * as z from 'zod';
import {
  type BlockhostFile,
  type BrokerFile,
  blockhostSchema,
  brokerSchema,
  type DbFile,
  dbSchema,
  type EngineEnv,
  engineEnvSchema,
  type Web3File,
  web3Schema,
} from './contract-schema.ts';
import { parseEnvFile } from './parse-env-file.ts';
import { type Parsed, parseJson, parseYaml } from './parse-yaml.ts';
import type { Paths } from './paths.ts';
import { check, type Problems } from './problems.ts';
import { type ProvisionerFile, provisionerSchema } from './provisioner-schema.ts';
import type { FileText, ReadText } from './read-text.ts';

/** Every configuration file, parsed; one that is absent is empty. */
export interface Files {
  readonly db: DbFile;
  readonly ours: ProvisionerFile;
  readonly web3: Web3File;
  readonly blockhost: BlockhostFile;
  readonly broker: BrokerFile;
  readonly env: EngineEnv;
  /** Why the engine's environment file could not be read, if it is there and could not. */
  readonly envUnreadable: string | undefined;
  readonly dbAbsent: boolean;
  readonly engineManifestPresent: boolean;
}

/** Reads and checks the files side by side; whatever is wrong goes to `problems`, and such a file comes back empty. */
export const readFiles = async (paths: Paths, readText: ReadText, problems: Problems): Promise<Files> => {
  const keys = async <T extends object>(file: string, schema: z.ZodType<T>, parse = parseYaml): Promise<T> => {
    const found = await readText(file);
    return interpret({ file, found, schema, parse }, problems);
  };
  const dbAbsent = (await readText(paths.dbYaml)).kind === 'absent';
  const [db, ours, web3, blockhost, broker, fromEnv, engine] = await Promise.all([
    keys(paths.dbYaml, dbSchema),
    keys(paths.provisionerYaml, provisionerSchema),
    keys(paths.web3Yaml, web3Schema),
    keys(paths.blockhostYaml, blockhostSchema),
    keys(paths.brokerAllocation, brokerSchema, parseJson),
    readEngineEnv(paths, readText, problems),
    readText(paths.engineManifest),
  ]);
  return { db, ours, web3, blockhost, broker, ...fromEnv, engineManifestPresent: engine.kind !== 'absent', dbAbsent };
};

interface Found<T> {
  readonly file: string;
  readonly found: FileText;
  readonly schema: z.ZodType<T>;
  readonly parse: (text: string) => Parsed;
}

const interpret = <T extends object>({ file, found, schema, parse }: Found<T>, problems: Problems): T => {
  if (found.kind === 'absent') return {} as T;
  const parsed: Parsed = found.kind === 'unreadable' ? { ok: false, why: found.why } : parse(found.text);
  if (parsed.ok) return check(schema, parsed.keys, file, problems) ?? ({} as T);
  problems.add(file, parsed.why);
  return {} as T;
};

/**
 * A service manager reads this file as root for the engine, so it may well be closed to us. Whether that is an error depends
 * on what the other files say: see `mergeChains`.
 */
const readEngineEnv = async (
  paths: Paths,
  readText: ReadText,
  problems: Problems,
): Promise<Pick<Files, 'env' | 'envUnreadable'>> => {
  const file = paths.engineEnv;
  const found = await readText(file);
  if (found.kind === 'absent') return { env: NO_ENV, envUnreadable: undefined };
  if (found.kind === 'unreadable') return { env: NO_ENV, envUnreadable: found.why };
  const { values, broken } = parseEnvFile(found.text);
  for (const name of broken) {
    if (name in engineEnvSchema.shape) problems.add(file, `${name} has a quote that is not closed`);
  }
  return {
    env: check(engineEnvSchema, Object.fromEntries(values), file, problems) ?? NO_ENV,
    envUnreadable: undefined,
  };
};

const NO_ENV: EngineEnv = {
  RPC_URL: undefined,
  BLOCKHOST_CONTRACT: undefined,
  NFT_CONTRACT: undefined,
  DEPLOYER_KEY_FILE: undefined,
};

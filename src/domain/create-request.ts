import * as z from 'zod';
import { BlockhostError } from './errors.ts';

/** What a `create` was asked for, checked as far as that is possible without looking at the host. */
export interface CreateRequest {
  readonly name: string;
  /** The owner's wallet: lower case where it is an address of an EVM chain, else as the engine writes it. */
  readonly owner: string;
  readonly cpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly expiryDays: number;
  readonly username: string;
  /** Given by the caller; otherwise the next free one is reserved (D19). */
  readonly nftTokenId?: bigint;
  /** Absolute or relative path of cloud-init user data that was rendered before. */
  readonly cloudInitContent?: string;
  /** Signature of `publicSecret`: connection details are encrypted with it for the owner alone. */
  readonly userSignature?: string;
  readonly publicSecret?: string;
  /** Without it nothing is changed (D18). */
  readonly apply: boolean;
  readonly mint: boolean;
  readonly mock: boolean;
}

/** The command line as it came: everything a string, nothing believed. */
export interface RawCreateRequest {
  readonly name: string;
  readonly ownerWallet: string;
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
  readonly disk?: string | undefined;
  readonly expiryDays?: string | undefined;
  readonly username?: string | undefined;
  readonly nftTokenId?: string | undefined;
  readonly cloudInitContent?: string | undefined;
  readonly userSignature?: string | undefined;
  readonly publicSecret?: string | undefined;
  readonly apply?: boolean | undefined;
  /** False where `--no-mint` was given. */
  readonly mint?: boolean | undefined;
  readonly skipMint?: boolean | undefined;
  readonly mock?: boolean | undefined;
}

/** What the host adds to a command line. */
export interface CreateDefaults {
  readonly expiryDays: number;
  /** The engine's own pattern of a wallet (`constraints.address_pattern`); an EVM address where there is none. */
  readonly walletPattern?: string | undefined;
  /** An engine is installed, and it mints (interop). */
  readonly engineMints: boolean;
}

const whole = (flag: string, min: number, max: number) => {
  const wants = `${flag} wants a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, wants)
    .transform(Number)
    .refine((value) => value >= min && value <= max, wants);
};

/** Words that YAML reads as something else than text: the name lands raw in cloud-init's documents. */
const YAML_WORDS = new Set(['y', 'n', 'yes', 'no', 'true', 'false', 'on', 'off', 'null']);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const NAME_WANTS =
  'the name wants a letter first, then letters, digits and dashes, no dash at the end, at most 63 characters in all';

const name = z
  .string()
  .regex(/^[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/, NAME_WANTS)
  .refine((text) => !YAML_WORDS.has(text.toLowerCase()), 'the name is a word that YAML takes for something else')
  .refine((text) => !UUID.test(text), 'the name looks like a UUID; libvirt could not tell them apart');

const EVM_ADDRESS = /^0x[0-9a-fA-F]{40}$/;
/** Whatever an engine's pattern allows, a wallet lands raw in YAML, TOML and a passwd line. */
const SAFE_WALLET = /^[A-Za-z0-9_-]{1,128}$/;
const ZERO = /^0x0+$/i;

const matches = (pattern: string, text: string): boolean => {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false;
  }
};

const wallet = (pattern: string | undefined) =>
  z
    .string()
    .refine((text) => (pattern === undefined ? EVM_ADDRESS.test(text) : SAFE_WALLET.test(text)), WALLET_WANTS)
    .refine((text) => pattern === undefined || matches(pattern, text), '--owner-wallet is no wallet of the engine')
    .refine((text) => !ZERO.test(text), '--owner-wallet is the zero address: nobody could log in')
    .transform((text) => (EVM_ADDRESS.test(text) ? text.toLowerCase() : text));

const WALLET_WANTS = '--owner-wallet wants an address: 0x and 40 hexadecimal digits';

const schemaFor = ({ walletPattern }: CreateDefaults) =>
  z.object({
    name,
    ownerWallet: wallet(walletPattern),
    cpu: whole('--cpu', 1, 64).optional(),
    memory: whole('--memory', 256, 1_048_576).optional(),
    disk: whole('--disk', 1, 65_536).optional(),
    expiryDays: whole('--expiry-days', 0, 36_500).optional(),
    username: z
      .string()
      .regex(
        /^[a-z_][a-z0-9_-]{0,31}$/,
        '--username wants a small letter or _ first, then small letters, digits, _ and -, at most 32 characters',
      )
      .refine((text) => text !== 'root', '--username is root; the customer gets a user of his own')
      .optional(),
    nftTokenId: z
      .string()
      .regex(/^[1-9]\d{0,77}$/, "--nft-token-id wants a whole number from 1; token 0 is the administrator's")
      .transform(BigInt)
      .optional(),
    cloudInitContent: z
      .string()
      .min(1, '--cloud-init-content wants a path')
      .refine((path) => !path.includes('\0'), '--cloud-init-content wants a path')
      .optional(),
    userSignature: z
      .string()
      .regex(/^(0x)?([0-9a-fA-F]{2}){1,512}$/, '--user-signature wants hexadecimal digits, two for each byte')
      .transform((text) => (text.startsWith('0x') ? text : `0x${text}`))
      .optional(),
    publicSecret: z
      .string()
      .regex(/^[\x20-\x7e]{1,512}$/, '--public-secret wants printable ASCII, at most 512 characters')
      .optional(),
    apply: z.boolean().default(false),
    mint: z.boolean().default(true),
    skipMint: z.boolean().default(false),
    mock: z.boolean().default(false),
  });

const refuse = (message: string): BlockhostError =>
  new BlockhostError(message, { code: 'bad-input', retryable: false, hint: 'nothing was changed; see --help' });

/** Reads a command line; throws `BlockhostError` (code `bad-input`) with one sentence about the first thing that is wrong. */
export const parseCreateRequest = (raw: RawCreateRequest, defaults: CreateDefaults): CreateRequest => {
  const parsed = schemaFor(defaults).safeParse(raw);
  if (!parsed.success) throw refuse(parsed.error.issues[0]?.message ?? 'the command line makes no sense');
  const { nftTokenId, cloudInitContent, userSignature, publicSecret, ...all } = parsed.data;
  if (userSignature !== undefined && publicSecret === undefined)
    throw refuse('--user-signature wants --public-secret: the text that was signed');
  return {
    name: all.name,
    owner: all.ownerWallet,
    cpus: all.cpu ?? 1,
    memoryMib: all.memory ?? 2048,
    diskGib: all.disk ?? 20,
    expiryDays: all.expiryDays ?? defaults.expiryDays,
    username: all.username ?? 'user',
    ...(nftTokenId === undefined ? {} : { nftTokenId }),
    ...(cloudInitContent === undefined ? {} : { cloudInitContent }),
    ...(userSignature === undefined ? {} : { userSignature }),
    ...(publicSecret === undefined ? {} : { publicSecret }),
    apply: all.apply,
    mint: all.mint && !all.skipMint && !defaults.engineMints && all.apply && !all.mock,
    mock: all.mock,
  };
};

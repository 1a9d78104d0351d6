import * as z from 'zod';
import type { MachineMetadata } from '../../domain/domain-state.ts';
import type { XmlElement } from './xml.ts';
import { childAt, escapeXml } from './xml.ts';

/** The namespace of our element in a domain's `<metadata>`. */
export const machineNamespace = 'https://blockhost.io/provisioner/machine/1';
/** The prefix that libvirt is asked to write it with. */
export const machinePrefix = 'blockhost';

/** Our element with its namespace declaration, fit to stand inside `<metadata>` of a domain's XML (D8). */
export const machineMetadataXml = (metadata: MachineMetadata): string =>
  `<${machinePrefix}:machine xmlns:${machinePrefix}="${machineNamespace}"${attributesOf(metadata)}/>`;

/**
 * Reads our element out of a domain's tree. Undefined where there is none or where it is not entirely as we write it:
 * a machine is never bound by half an element (D9).
 */
export const readMachineMetadata = (domain: XmlElement): MachineMetadata | undefined => {
  const metadata = childAt(domain, 'metadata');
  const ours = metadata?.children.filter((element) => isOurs([element, metadata, domain])) ?? [];
  const [element, ...more] = ours;
  if (element === undefined || more.length > 0) return undefined;
  const parsed = attributeSchema.safeParse(Object.fromEntries(element.attributes));
  if (!parsed.success) return undefined;
  const { schema, uuid } = parsed.data;
  const subscription = subscriptionOf(parsed.data);
  const made = madeOf(parsed.data);
  if (subscription === 'half' || made === 'half') return undefined;
  const { suspended, grantUntil } = parsed.data;
  return {
    schema,
    uuid,
    ...(subscription && { subscription }),
    ...(suspended && { suspended }),
    ...(grantUntil !== undefined && { grantUntilUnix: grantUntil }),
    ...(made && { made }),
  };
};

/** What `virsh metadata --set` wants: it declares namespace and prefix itself and refuses an element that does. */
export const bareMachineElement = (metadata: MachineMetadata): string => `<machine${attributesOf(metadata)}/>`;

type Attributes = z.infer<typeof attributeSchema>;

/** All of them, none of them, or an element that is not as we write it. */
const subscriptionOf = ({
  chainId,
  contract,
  subscriptionId,
}: Attributes): MachineMetadata['subscription'] | undefined | 'half' => {
  if (chainId === undefined && contract === undefined && subscriptionId === undefined) return undefined;
  if (chainId === undefined || contract === undefined || subscriptionId === undefined) return 'half';
  return { chainId, contract, subscriptionId };
};

/** Elements of older versions have nothing of this; the token is the one part that a machine may lack. */
const madeOf = (all: Attributes): MachineMetadata['made'] | undefined | 'half' => {
  const { ipv4, ipv6, owner, username, createdAt, base, nftTokenId, nftMinted } = all;
  const parts = [ipv4, ipv6, owner, username, createdAt, base];
  if (parts.every((part) => part === undefined)) return nftTokenId === undefined ? undefined : 'half';
  if (ipv4 === undefined || ipv6 === undefined || owner === undefined) return 'half';
  if (username === undefined || createdAt === undefined || base === undefined) return 'half';
  const token = nftTokenId === undefined ? {} : { nftTokenId, ...(nftMinted && { nftMinted }) };
  return { ipv4, ipv6, owner, username, ...token, createdAtUnix: createdAt, base };
};

const attributesOf = ({ schema, uuid, subscription, suspended, grantUntilUnix, made }: MachineMetadata): string => {
  const all = {
    schema: String(schema),
    uuid,
    ...(subscription && {
      chainId: String(subscription.chainId),
      contract: subscription.contract,
      subscriptionId: String(subscription.subscriptionId),
    }),
    ...(suspended && { suspended: String(suspended) }),
    ...(grantUntilUnix !== undefined && { grantUntil: String(grantUntilUnix) }),
    ...(made && {
      ipv4: made.ipv4,
      ipv6: made.ipv6,
      owner: made.owner,
      username: made.username,
      createdAt: String(made.createdAtUnix),
      base: made.base,
    }),
    ...(made?.nftTokenId !== undefined && { nftTokenId: String(made.nftTokenId) }),
    ...(made?.nftMinted && { nftMinted: String(made.nftMinted) }),
  };
  return Object.entries(all)
    .map(([name, value]) => ` ${name}="${escapeXml(value)}"`)
    .join('');
};

const yes = z.literal('true').transform(() => true as const);
const decimal = z.string().regex(/^(0|[1-9][0-9]*)$/);
const attributeSchema = z.object({
  schema: z.literal('1').transform(() => 1 as const),
  uuid: z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  chainId: decimal.transform(Number).pipe(z.int().positive()).optional(),
  contract: z
    .string()
    .regex(/^0x[0-9a-f]{40}$/)
    .transform((text) => text as `0x${string}`)
    .optional(),
  subscriptionId: decimal.max(78).transform(BigInt).optional(),
  suspended: yes.optional(),
  grantUntil: decimal.max(15).transform(BigInt).optional(),
  ipv4: z.string().max(15).optional(),
  ipv6: z.string().max(39).optional(),
  owner: z.string().max(128).optional(),
  username: z.string().max(32).optional(),
  createdAt: decimal.max(15).transform(BigInt).optional(),
  base: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .optional(),
  nftTokenId: decimal.max(78).transform(BigInt).optional(),
  nftMinted: yes.optional(),
});

// An element belongs to us by its namespace, whatever prefix it was given, and wherever that was declared.
const isOurs = (inwardsOut: readonly [XmlElement, ...XmlElement[]]): boolean => {
  const [local, prefix] = inwardsOut[0].name.split(':').reverse();
  const declaration = prefix === undefined ? 'xmlns' : `xmlns:${prefix}`;
  const scope = inwardsOut.find((element) => element.attributes.has(declaration));
  return local === 'machine' && scope?.attributes.get(declaration) === machineNamespace;
};

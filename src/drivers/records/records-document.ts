import * as z from 'zod';
import { RecordsError } from '../../domain/errors.ts';
import { type Container, joinContainer, type Layout, memberText, setMember, splitContainer } from './json-text.ts';

const topSchema = z.looseObject({
  vms: z.looseObject({}).optional(),
  next_vmid: z.number().optional(),
  allocated_ips: z.array(z.unknown()).optional(),
  allocated_ipv6: z.array(z.unknown()).optional(),
  reserved_nft_tokens: z.looseObject({}).optional(),
});

/** The shared document as values, to look at, and as text, to change. */
export interface RecordsDocument {
  readonly vms: ReadonlyMap<string, unknown>;
  readonly allocatedIps: readonly unknown[];
  readonly allocatedIpv6: readonly unknown[];
  /** Reserved tokens by their id's digits. */
  readonly reservations: ReadonlyMap<string, unknown>;
  /** A record's own text, with every digit of its numbers. */
  readonly recordText: (name: string) => string | undefined;
  /** Takes the text apart; not done for those who only read. */
  readonly top: () => Container;
  /** Puts it together again, with the white space that was around it. */
  readonly render: (top: Container) => string;
}

/** What `records-corrupt` means to a reader: the file may be in the middle of a write, look again. */
export const tornCode = 'records-corrupt';

/** Reads the document; a missing file is an empty one. Throws `RecordsError`, code `records-corrupt` where it is no JSON. */
export const parseDocument = (path: string, text: string | undefined): RecordsDocument => {
  const json = parseJson(path, text);
  const parsed = topSchema.safeParse(json);
  if (!parsed.success) throw malformed(path, parsed.error);
  const { vms, allocated_ips, allocated_ipv6, reserved_nft_tokens } = parsed.data;
  const body = text?.trim() ?? '{}';
  const before = text?.slice(0, text.length - text.trimStart().length) ?? '';
  const after = text?.slice(text.trimEnd().length) ?? '';
  return {
    vms: new Map(Object.entries(vms ?? {})),
    allocatedIps: allocated_ips ?? [],
    allocatedIpv6: allocated_ipv6 ?? [],
    reservations: new Map(Object.entries(reserved_nft_tokens ?? {})),
    recordText: lazily(() => textsByName(splitContainer(body))),
    top: () => withRequiredMembers(splitContainer(body)),
    render: (top) => `${before}${joinContainer(top)}${after}`,
  };
};

const lazily = (make: () => ReadonlyMap<string, string>): ((name: string) => string | undefined) => {
  let made: ReadonlyMap<string, string> | undefined;
  return (name) => {
    made ??= make();
    return made.get(name);
  };
};

const textsByName = (top: Container): ReadonlyMap<string, string> => {
  const vms = splitContainer(memberText(top, 'vms') ?? '{}');
  return new Map(vms.slots.map(({ key, value }) => [key, value]));
};

/** White space for what is put into the member `key` of the top level while that is empty. */
export const layoutInside = (top: Container): Layout => nested(top.slots.at(-1)?.lead ?? topLayout.lead);

/** White space for what is put into a container whose own line begins with `lead`. */
export const nested = (lead: string): Layout =>
  lead.includes('\n') ? { lead: `${lead}${unitOf(lead)}`, closing: lead } : { lead: '', closing: '' };

const topLayout: Layout = { lead: '\n  ', closing: '\n' };

/** One step of indentation; deeper lines of a file that uses tabs get a tab. */
const unitOf = (lead: string): string => (lead.includes('\t') ? '\t' : '  ');

/** Python raises KeyError without these. */
const requiredMembers = [
  ['vms', '{}'],
  ['next_vmid', '100'],
  ['allocated_ips', '[]'],
  ['allocated_ipv6', '[]'],
  ['reserved_nft_tokens', '{}'],
] as const;

const withRequiredMembers = (top: Container): Container =>
  requiredMembers.reduce(
    (done, [key, value]) => (memberText(done, key) === undefined ? setMember(done, key, value, topLayout) : done),
    top,
  );

const parseJson = (path: string, text: string | undefined): unknown => {
  if (text === undefined) return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    const what = text.trim() === '' ? 'is empty' : 'is not JSON';
    throw new RecordsError(`${path} ${what}`, { code: tornCode, retryable: true, hint: repairHint, cause });
  }
};

const malformed = (path: string, error: z.ZodError): RecordsError => {
  const issue = error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? 'the top level' : `"${issue.path.join('.')}"`;
  const what = issue?.message.replace(/^Invalid input: /, '') ?? 'has the wrong type';
  return new RecordsError(`${path}: ${where} is wrong: ${what}`, {
    code: 'records-malformed',
    retryable: true,
    hint: repairHint,
    cause: error,
  });
};

const repairHint = 'put a good copy in its place; it was left as it is, and we go on by ourselves then';

/**
 * Every form of date that has been seen in the shared records: extended or compact ISO 8601, with `T` or a blank, with
 * or without seconds and fraction, with `Z`, an offset, or neither.
 */
const pattern =
  /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ](\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,12}))?)?)?(Z|[+-]\d{2}(?::?\d{2}(?::?\d{2})?)?)?)?$/i;

interface ParsedDate {
  readonly unix: bigint;
  /** Digits behind the decimal point, as they were. */
  readonly fraction: string;
  readonly naive: boolean;
}

/** Unix seconds of a date, its fraction dropped; a date without an offset is UTC. Undefined where it is no date. */
export const parseIsoDate = (text: string): bigint | undefined => parse(text)?.unix;

/** Whether a date has no offset: one such date stops Python's garbage collection for all machines. */
export const isNaiveDate = (text: string): boolean => parse(text)?.naive === true;

/** A naive date as the same instant with an offset and its fraction; any other text as it is. */
export const toAwareDate = (text: string): string => {
  const date = parse(text);
  if (date === undefined || !date.naive) return text;
  const microseconds = date.fraction.slice(0, 6).padEnd(6, '0');
  return isoDate(date.unix, date.fraction === '' || Number(microseconds) === 0 ? '' : `.${microseconds}`);
};

/**
 * A date as Python's `isoformat` writes it in UTC. A contract may say "for ever" with a number that no calendar holds:
 * later than the year 9000 is written as that year, which leaves Python room to add a grace period.
 */
export const formatIsoDate = (unix: bigint): string => isoDate(writableUnix(unix), '');

/** The instant that `formatIsoDate` can write for this one: two that it writes alike are no difference. */
export const writableUnix = (unix: bigint): bigint => (unix > latestUnix ? latestUnix : unix < 0n ? 0n : unix);

const latestUnix = BigInt(Date.UTC(9000, 11, 31, 23, 59, 59) / 1000);

const isoDate = (unix: bigint, fraction: string): string => {
  const [seconds] = new Date(Number(unix) * 1000).toISOString().split('.');
  return `${seconds}${fraction}+00:00`;
};

const parse = (text: string): ParsedDate | undefined => {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((digits) => Number(digits ?? '0'));
  if (year === undefined || month === undefined || day === undefined) return undefined;
  if (hour === undefined || minute === undefined || second === undefined) return undefined;
  const offset = parseOffset(match[8] ?? '');
  if (year < 1 || hour > 23 || minute > 59 || second > 59 || offset === undefined) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that the month does not have rolls over into the next.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  date.setUTCHours(hour, minute, second);
  const unix = BigInt(date.getTime() / 1000 - offset);
  return { unix, fraction: match[7] ?? '', naive: match[8] === undefined };
};

/** Seconds east of UTC; no offset counts as UTC. */
const parseOffset = (text: string): number | undefined => {
  if (text === '' || text === 'Z' || text === 'z') return 0;
  const digits = text.slice(1).replaceAll(':', '');
  const [hours, minutes, seconds] = [0, 2, 4].map((at) => Number(digits.slice(at, at + 2)));
  if (hours === undefined || minutes === undefined || seconds === undefined) return undefined;
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const magnitude = hours * 3600 + minutes * 60 + seconds;
  return text.startsWith('-') ? -magnitude : magnitude;
};

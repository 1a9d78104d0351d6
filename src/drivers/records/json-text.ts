/**
 * JSON as text that can be taken apart and put together again with every byte in its place: whoever changes one member
 * keeps numbers of any size, key order, escapes and white space of all others exactly as they were. The text must be
 * valid JSON (`JSON.parse` has accepted it); nothing here checks that again.
 */
export interface Slot {
  /** The member's name; empty for an item of an array. */
  readonly key: string;
  /** White space before the member, its name as it is spelled, and the colon with the white space around it. */
  readonly lead: string;
  readonly rawKey: string;
  readonly colon: string;
  readonly value: string;
  /** White space between the value and the comma; empty for the last one, whose is `closing`. */
  readonly after: string;
}

/** An object or an array, one level deep: the values are text. */
export interface Container {
  readonly brackets: '{}' | '[]';
  readonly slots: readonly Slot[];
  /** White space before the closing bracket. */
  readonly closing: string;
}

/** White space that new members of an empty container get. */
export interface Layout {
  readonly lead: string;
  readonly closing: string;
}

/** Takes an object's or an array's text apart, one level. Linear in the length of the text. */
export const splitContainer = (text: string): Container => {
  const brackets = text.startsWith('{') ? '{}' : '[]';
  const slots: Slot[] = [];
  let at = 1;
  for (;;) {
    const first = skipSpace(text, at);
    if (isClosing(text, first)) return { brackets, slots, closing: text.slice(at, first) };
    const slot = readSlot(text, at, first, brackets === '{}');
    const valueEnd = first + slot.rawKey.length + slot.colon.length + slot.value.length;
    const next = skipSpace(text, valueEnd);
    if (isClosing(text, next)) {
      slots.push(slot);
      return { brackets, slots, closing: text.slice(valueEnd, next) };
    }
    slots.push({ ...slot, after: text.slice(valueEnd, next) });
    at = next + 1;
  }
};

/** The inverse of `splitContainer`, byte for byte. */
export const joinContainer = ({ brackets, slots, closing }: Container): string => {
  const inside = slots.map(({ lead, rawKey, colon, value, after }) => `${lead}${rawKey}${colon}${value}${after}`);
  return `${brackets[0]}${inside.join(',')}${closing}${brackets[1]}`;
};

/** The text of a member's value; of the last one where a name stands twice, as every parser has it. */
export const memberText = (container: Container, key: string): string | undefined =>
  container.slots[lastIndexOf(container, key)]?.value;

/** Gives a member another value, or adds it at the end in the style of those that are there. */
export const setMember = (container: Container, key: string, value: string, layout: Layout): Container => {
  const index = lastIndexOf(container, key);
  if (index === -1) return append(container, key, value, layout);
  return { ...container, slots: container.slots.map((slot, i) => (i === index ? { ...slot, value } : slot)) };
};

/** Adds an item at the end of an array. */
export const addItem = (container: Container, value: string, layout: Layout): Container =>
  append(container, '', value, layout);

/** Keeps the slots that `keep` wants; the same container where that is all of them. */
export const filterSlots = (container: Container, keep: (slot: Slot) => boolean): Container => {
  const slots = container.slots.filter(keep);
  if (slots.length === container.slots.length) return container;
  return { ...container, slots, closing: slots.length === 0 ? '' : container.closing };
};

/** A string as Python's json module writes it: ASCII alone, so that no reader's locale matters. */
export const quote = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

const lastIndexOf = ({ slots }: Container, key: string): number => {
  let index = slots.length - 1;
  while (index >= 0 && slots[index]?.key !== key) index -= 1;
  return index;
};

const append = (container: Container, key: string, value: string, layout: Layout): Container => {
  const last = container.slots.at(-1);
  const isObject = container.brackets === '{}';
  const slot: Slot = {
    key,
    lead: last?.lead ?? layout.lead,
    rawKey: isObject ? quote(key) : '',
    colon: isObject ? (last?.colon ?? ': ') : '',
    value,
    after: '',
  };
  const closing = last === undefined ? layout.closing : container.closing;
  return { ...container, slots: [...container.slots, slot], closing };
};

const readSlot = (text: string, start: number, first: number, named: boolean): Slot => {
  const lead = text.slice(start, first);
  if (!named)
    return { key: '', lead, rawKey: '', colon: '', value: text.slice(first, skipValue(text, first)), after: '' };
  const keyEnd = skipString(text, first);
  const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
  const rawKey = text.slice(first, keyEnd);
  return {
    key: rawKey.includes('\\') ? String(JSON.parse(rawKey)) : rawKey.slice(1, -1),
    lead,
    rawKey,
    colon: text.slice(keyEnd, valueStart),
    value: text.slice(valueStart, skipValue(text, valueStart)),
    after: '',
  };
};

const codeOf = {
  quote: 0x22,
  backslash: 0x5c,
  openBrace: 0x7b,
  closeBrace: 0x7d,
  openBracket: 0x5b,
  closeBracket: 0x5d,
};

const isClosing = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code === codeOf.closeBrace || code === codeOf.closeBracket;
};

const skipSpace = (text: string, start: number): number => {
  let at = start;
  // JSON's white space is blank, tab, newline and carriage return: nothing else is at or below the blank.
  while (text.charCodeAt(at) <= 0x20) at += 1;
  return at;
};

/** From the opening quote to behind the closing one. */
const skipString = (text: string, start: number): number => {
  let end = text.indexOf('"', start + 1);
  for (;;) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === codeOf.backslash) backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
};

const skipValue = (text: string, start: number): number => {
  const first = text.charCodeAt(start);
  if (first === codeOf.quote) return skipString(text, start);
  if (first === codeOf.openBrace || first === codeOf.openBracket) return skipNested(text, start);
  let at = start;
  // Numbers and words: letters, digits and + - . only.
  while (at < text.length && /[\w+.-]/.test(text.charAt(at))) at += 1;
  return at;
};

const skipNested = (text: string, start: number): number => {
  let depth = 0;
  let at = start;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === codeOf.quote) {
      at = skipString(text, at);
      continue;
    }
    if (code === codeOf.openBrace || code === codeOf.openBracket) depth += 1;
    else if (code === codeOf.closeBrace || code === codeOf.closeBracket) depth -= 1;
    at += 1;
    if (depth === 0) return at;
  }
};

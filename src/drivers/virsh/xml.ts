/** An element of a parsed document. Names are as written, prefix included. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own character data, without that of its children. */
  readonly text: string;
}

/**
 * Reads the XML that libvirt writes: elements, attributes, character data, CDATA, comments, the five entities and
 * character references. Undefined for anything that is not well-formed, and for a DOCTYPE, which libvirt never writes.
 */
export const parseXml = (source: string): XmlElement | undefined => {
  const open: Building[] = [{ name: '', attributes: new Map(), children: [], text: '' }];
  token.lastIndex = 0;
  while (token.lastIndex < source.length) {
    const match = token.exec(source);
    if (match === null) return undefined;
    const [, cdata, tag, text] = match;
    const top = open.at(-1);
    if (top === undefined) return undefined;
    if (tag !== undefined) {
      if (!takeTag(tag, open)) return undefined;
    } else if (cdata !== undefined) {
      top.text += cdata;
    } else if (text !== undefined) {
      const decoded = decode(text);
      if (decoded === undefined) return undefined;
      top.text += decoded;
    }
  }
  const [document, unclosed] = open;
  const root = document?.children[0];
  const alone = unclosed === undefined && document?.children.length === 1 && document.text.trim() === '';
  return alone ? root : undefined;
};

/** The direct children of that name. */
export const childrenNamed = (element: XmlElement | undefined, name: string): readonly XmlElement[] =>
  element?.children.filter((child) => child.name === name) ?? [];

/** The first direct child along a path of names. */
export const childAt = (element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined =>
  path.reduce<XmlElement | undefined>((at, name) => childrenNamed(at, name)[0], element);

/** Escapes text for an attribute or for character data; all but printable ASCII becomes a reference. */
export const escapeXml = (text: string): string =>
  text.replace(/[^ !#$%(-;=?-~]/gu, (character) => `&#${character.codePointAt(0)};`);

interface Building extends XmlElement {
  readonly attributes: Map<string, string>;
  readonly children: Building[];
  text: string;
}

const token =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<([^<>!?](?:[^<>"']|"[^"<]*"|'[^'<]*')*)>|([^<]+)/gy;
const tagShape = /^(\/?)([^\s/=]+)((?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)$/;
const attributeShape = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

const takeTag = (tag: string, open: Building[]): boolean => {
  const [, closing, name, attributeText, selfClosing] = tagShape.exec(tag) ?? [];
  const top = open.at(-1);
  if (name === undefined || top === undefined) return false;
  if (closing === '/') {
    if (selfClosing === '/' || attributeText !== '' || open.length < 2 || top.name !== name) return false;
    open.pop();
    return true;
  }
  const attributes = readAttributes(attributeText ?? '');
  if (attributes === undefined) return false;
  const element: Building = { name, attributes, children: [], text: '' };
  top.children.push(element);
  if (selfClosing !== '/') open.push(element);
  return true;
};

const readAttributes = (text: string): Map<string, string> | undefined => {
  const attributes = new Map<string, string>();
  for (const [, name = '', double, single] of text.matchAll(attributeShape)) {
    const value = decode(double ?? single ?? '');
    if (value === undefined || attributes.has(name)) return undefined;
    attributes.set(name, value);
  }
  return attributes;
};

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const decode = (text: string): string | undefined => {
  let sound = true;
  const decoded = text.replace(/&([^;&]*;)?/g, (_, body?: string) => {
    const character = body === undefined ? undefined : decodeReference(body.slice(0, -1));
    sound &&= character !== undefined;
    return character ?? '';
  });
  return sound ? decoded : undefined;
};

const decodeReference = (body: string): string | undefined => {
  const [, hexadecimal, decimal] = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(body) ?? [];
  if (hexadecimal === undefined && decimal === undefined)
    return Object.hasOwn(entities, body) ? entities[body] : undefined;
  const code = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
  return code > 0x10ffff || code === 0 ? undefined : String.fromCodePoint(code);
};

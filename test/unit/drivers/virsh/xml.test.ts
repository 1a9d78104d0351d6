import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { childAt, escapeXml, parseXml, type XmlElement } from '../../../../src/drivers/virsh/xml.ts';

interface Tree {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: readonly Tree[];
  readonly text: string;
}

// XML 1.0 has no way to write most control characters, and readers may turn a CR into an LF.
const text = fc.string({ unit: 'binary', maxLength: 20 }).map((raw) => raw.replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, ''));
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,8}(:[a-z]{1,4})?$/);
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    name,
    attributes: fc.dictionary(name, text, { maxKeys: 4 }),
    children: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constant([]),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
    text,
  }),
}));

const write = ({ name, attributes, children, text }: Tree, quote: string): string => {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}=${quote}${escapeXml(value)}${quote}`);
  const open = `<${name}${written.join('')}`;
  if (text === '' && children.length === 0) return `${open}/>`;
  return `${open}>${escapeXml(text)}<!-- <no> & -->${children.map((child) => write(child, quote)).join('\n')}</${name}>`;
};

const plain = ({ name, attributes, children, text }: XmlElement): Tree => ({
  name,
  attributes: { ...Object.fromEntries(attributes) },
  children: children.map(plain),
  text,
});

describe('parseXml', () => {
  it('reads back what was written, in either kind of quotes', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom('"', "'"), (wanted, quote) => {
        const read = parseXml(`<?xml version='1.0'?>\n${write(wanted, quote)}\n`);
        expect(read && withoutNewlines(plain(read))).toEqual(withoutNewlines(wanted));
      }),
      { numRuns: 500 },
    );
  });

  it('reads entities, references and CDATA', () => {
    const read = parseXml(`<a b='&lt;&gt;&amp;&quot;&apos;&#233;&#x2603;'>x<![CDATA[<&]]>y</a>`);
    expect(read?.attributes.get('b')).toBe(`<>&"'é☃`);
    expect(read?.text).toBe('x<&y');
  });

  it.each([
    '',
    'text',
    '<a>',
    '</a>',
    '<a></b>',
    '<a/><b/>',
    '<a/>text',
    '<a b=c/>',
    "<a b='1' b='2'/>",
    '<a>&nbsp;</a>',
    '<a>&</a>',
    '<a>&#0;</a>',
    '<a>&#x110000;</a>',
    "<a b='<'/>",
    '<!DOCTYPE a><a/>',
    "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
    '<a><!-- </a>',
    '<a/></a>',
  ])('refuses %j', (source) => expect(parseXml(source)).toBeUndefined());

  it('never throws, and is done at once with anything', () => {
    const pieces = fc.constantFrom(
      '<',
      '>',
      '</',
      '/>',
      "='",
      '"',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '&',
      ';',
      '<a',
      ' b',
      '<a>',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 4 })), { maxLength: 60 }), (parts) => {
        parseXml(parts.join(''));
      }),
      { numRuns: 2000 },
    );
    const long = `<a ${'x '.repeat(50_000)}`;
    const startedMs = performance.now();
    expect(parseXml(long)).toBeUndefined();
    expect(parseXml(`<a ${`b='"' `.repeat(20_000)}`)).toBeUndefined();
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });

  it('finds a child along a path', () => {
    const read = parseXml("<a><b/><b><c d='1'/></b></a>");
    expect(childAt(read, 'b', 'c')).toBeUndefined();
    expect(childAt(parseXml("<a><b><c d='1'/></b></a>"), 'b', 'c')?.attributes.get('d')).toBe('1');
  });
});

const withoutNewlines = ({ text, children, ...rest }: Tree): Tree => ({
  ...rest,
  text: text.replaceAll('\n', ''),
  children: children.map(withoutNewlines),
});

const LONGEST = 4000;

/** Everything that moves a cursor, colours, hides or turns text round; a line's end inside a list of ours stays. */
const UNPRINTABLE = /(?!\n {2})[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text as a terminal may show it, whoever wrote parts of it: nothing in it acts on the terminal, and it ends somewhere. */
export const printable = (text: string): string => {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length} characters)` : text;
  return short.replace(UNPRINTABLE, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
};

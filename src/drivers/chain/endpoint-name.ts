/**
 * The name of an endpoint in logs and reasons: `rpc#1 host:port`. User info, path and query may carry keys and are
 * left out (C12); the number tells two endpoints of one host apart.
 */
export const endpointName = (index: number, url: string): string => {
  try {
    const { host } = new URL(url);
    return `rpc#${index + 1} ${host || 'local'}`;
  } catch {
    return `rpc#${index + 1} (unreadable URL)`;
  }
};

const URL_LIKE = /\b(?:https?|wss?):\/\/[^\s"'<>]+/gi;
const LONG_TOKEN = /[A-Za-z0-9_-]{24,}/g;
const HEX = /^(?:0x)?[0-9a-f]+$/i;

/** Text of a foreign error made fit for a log: one line, short, without URLs and without what looks like a key (C12). */
export const redactText = (text: string, maxLength = 160): string => {
  const oneLine = text
    .slice(0, 4 * maxLength)
    .replace(URL_LIKE, '<url>')
    .replace(LONG_TOKEN, (token) => (HEX.test(token) && token.startsWith('0x') ? token : '<redacted>'))
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return oneLine.length > maxLength ? `${oneLine.slice(0, maxLength - 1)}…` : oneLine;
};

/**
 * JSON with big integers: a bigint is written as a string of digits with an `n` behind it. Strings that look like that
 * by chance get a `~` in front, so that nothing read from outside can turn into a number.
 */
const LOOKS_LIKE_BIGINT = /^~*-?\d+n$/;

export const toJson = (value: unknown): unknown => {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return LOOKS_LIKE_BIGINT.test(value) ? `~${value}` : value;
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, toJson(item)]),
    );
  }
  return value;
};

export const fromJson = (value: unknown): unknown => {
  if (typeof value === 'string' && LOOKS_LIKE_BIGINT.test(value)) {
    return value.startsWith('~') ? value.slice(1) : BigInt(value.slice(0, -1));
  }
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
  }
  return value;
};

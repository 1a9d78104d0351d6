/** UUIDs for machines that are made: one that was tried in vain leaves its own to nobody. */
export const createUuids = (): (() => string) => {
  let made = 0;
  return () => {
    made += 1;
    return `11111111-0000-4000-8000-${String(made).padStart(12, '0')}`;
  };
};

const hexByte = (value: number): string => (value & 0xff).toString(16).padStart(2, '0');

export const macOf = (number: number): string => `52:54:00:00:${hexByte(number >> 8)}:${hexByte(number)}`;

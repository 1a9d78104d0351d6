import { InvalidArgumentError } from 'commander';

/** Reads a whole number that is not negative; anything else fails before the command begins. */
export const wholeNumber =
  (most: number) =>
  (text: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value <= most) return value;
    throw new InvalidArgumentError(`wants a whole number from 0 to ${most}.`);
  };

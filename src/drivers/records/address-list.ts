import { isIPv6 } from 'node:net';
import { addItem, type Container, filterSlots, type Layout, quote } from './json-text.ts';

/** The list with an address in it; the very same list where it is there already, in whatever spelling. */
export const withAddress = (list: Container, address: string, layout: Layout): Container =>
  address === '' || list.slots.some(({ value }) => isAddress(value, address))
    ? list
    : addItem(list, quote(address), layout);

/** The list without an address; the very same list where it is not there. */
export const withoutAddress = (list: Container, address: string): Container =>
  address === '' ? list : filterSlots(list, ({ value }) => !isAddress(value, address));

/** The addresses of a list; what is no string is left out, for nobody can have been given it. */
export const addressesOf = (items: readonly unknown[]): readonly string[] =>
  items.filter((item): item is string => typeof item === 'string');

/** Is the address in the list, in whatever spelling? */
export const isListed = (items: readonly unknown[], address: string): boolean =>
  address !== '' && addressesOf(items).some((item) => canonical(item) === canonical(address));

const isAddress = (itemText: string, address: string): boolean => {
  if (!itemText.startsWith('"')) return false;
  return canonical(String(JSON.parse(itemText))) === canonical(address);
};

/** IPv6 has many spellings of one address; the URL parser knows the shortest. */
const canonical = (address: string): string =>
  isIPv6(address) && !address.includes('%') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;

import { withAddress } from './address-list.ts';
import { type Container, joinContainer, type Layout, memberText, setMember, splitContainer } from './json-text.ts';
import { layoutInside, nested } from './records-document.ts';

/** Changes in the parts of the shared document. Each returns the very same container where nothing differs. */

export type AddressChange = (list: Container, address: string, layout: Layout) => Container;
export type MemberChange = (member: Container, layout: Layout) => Container;

export const onList = (top: Container, key: string, address: string, change: AddressChange): Container => {
  const list = splitContainer(memberText(top, key) ?? '[]');
  const changed = change(list, address, layoutInside(top));
  return changed === list ? top : setMember(top, key, joinContainer(changed), layoutInside(top));
};

export const onAddresses = (top: Container, change: AddressChange, ipv4: string, ipv6: string): Container =>
  onList(onList(top, 'allocated_ips', ipv4, change), 'allocated_ipv6', ipv6, change);

export const claim = (top: Container, ipv4: string, ipv6: string): Container =>
  onAddresses(top, withAddress, ipv4, ipv6);

/** An object at the top level. */
export const onObject = (top: Container, key: string, change: MemberChange): Container => {
  const before = splitContainer(memberText(top, key) ?? '{}');
  const changed = change(before, layoutInside(top));
  return changed === before ? top : setMember(top, key, joinContainer(changed), layoutInside(top));
};

/** An object in an object, made where it is missing. */
export const onMember = (all: Container, name: string, change: MemberChange, layout: Layout): Container => {
  const before = splitContainer(memberText(all, name) ?? '{}');
  const changed = change(before, nested(all.slots.at(-1)?.lead ?? layout.lead));
  return changed === before ? all : setMember(all, name, joinContainer(changed), layout);
};

export const onRecord = (top: Container, name: string, change: MemberChange): Container =>
  onObject(top, 'vms', (vms, layout) => onMember(vms, name, change, layout));

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MachineMetadata } from '../../../../src/domain/domain-state.ts';
import {
  bareMachineElement,
  machineMetadataXml,
  machineNamespace,
  readMachineMetadata,
} from '../../../../src/drivers/virsh/metadata-xml.ts';
import { parseXml } from '../../../../src/drivers/virsh/xml.ts';

const contract = fc.stringMatching(/^[0-9a-f]{40}$/).map((hex): `0x${string}` => `0x${hex}`);
const made = fc
  .record({
    ipv4: fc.ipV4(),
    ipv6: fc.oneof(fc.constant(''), fc.constant('2001:db8::3')),
    owner: fc.stringMatching(/^[ -~]{0,64}$/),
    username: fc.stringMatching(/^[a-z]{1,32}$/),
    createdAtUnix: fc.bigInt(0n, 2n ** 40n),
    base: fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}`),
    nftTokenId: fc.option(fc.bigInt(0n, 2n ** 256n - 1n), { nil: undefined }),
    minted: fc.boolean(),
  })
  .map(({ nftTokenId, minted, ...rest }) => ({
    ...rest,
    ...(nftTokenId !== undefined && { nftTokenId, ...(minted && { nftMinted: true as const }) }),
  }));
const metadata: fc.Arbitrary<MachineMetadata> = fc
  .record({
    uuid: fc.uuid(),
    subscription: fc.option(
      fc.record({ chainId: fc.integer({ min: 1 }), contract, subscriptionId: fc.bigInt(0n, 2n ** 256n - 1n) }),
      { nil: undefined },
    ),
    made: fc.option(made, { nil: undefined }),
    suspended: fc.boolean(),
    grantUntilUnix: fc.option(fc.bigInt(0n, 2n ** 40n), { nil: undefined }),
  })
  .map(({ uuid, subscription, made, suspended, grantUntilUnix }) => ({
    schema: 1,
    uuid,
    ...(subscription && { subscription }),
    ...(suspended && { suspended }),
    ...(grantUntilUnix !== undefined && { grantUntilUnix }),
    ...(made && { made }),
  }));

const read = (inside: string, domainAttributes = '') => {
  const domain = parseXml(`<domain${domainAttributes}><metadata>${inside}</metadata></domain>`);
  if (!domain) throw new Error('the test wrote bad XML');
  return readMachineMetadata(domain);
};
const uuid = '6695eb01-f6a4-8304-79aa-97f2502e193f';
const good = `schema="1" uuid="${uuid}" chainId="1" contract="0x${'a'.repeat(40)}" subscriptionId="7"`;
const ours = `xmlns:p="${machineNamespace}"`;

describe('the machine element in a domain (D8)', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(metadata, (wanted) => {
        expect(read(machineMetadataXml(wanted))).toEqual(wanted);
      }),
    );
  });

  it('is found by its namespace, whatever its prefix and wherever that is declared', () => {
    const wanted = {
      schema: 1,
      uuid,
      subscription: { chainId: 1, contract: `0x${'a'.repeat(40)}`, subscriptionId: 7n },
    };
    expect(read(`<p:machine ${ours} ${good}/>`)).toEqual(wanted);
    expect(read(`<machine xmlns="${machineNamespace}" ${good}/>`)).toEqual(wanted);
    expect(read(`<p:machine ${good}/>`, ` ${ours}`)).toEqual(wanted);
    expect(read(`<other xmlns="https://elsewhere/1"><x/></other><p:machine ${ours} ${good}/>`)).toEqual(wanted);
  });

  it.each([
    ['nothing', ''],
    ['another namespace', `<p:machine xmlns:p="https://elsewhere/1" ${good}/>`],
    ['no namespace', `<machine ${good}/>`],
    ['an undeclared prefix', `<q:machine ${good}/>`],
    ['another element of ours', `<p:disk ${ours} ${good}/>`],
    ['two of them', `<p:machine ${ours} ${good}/><p:machine ${ours} ${good}/>`],
    ['a later schema', `<p:machine ${ours} ${good.replace('"1"', '"2"')}/>`],
    ['no uuid', `<p:machine ${ours} ${good.replace(/uuid="[^"]*"/, '')}/>`],
    ['half a subscription', `<p:machine ${ours} ${good.replace(/chainId="[^"]*"/, '')}/>`],
    ['a contract in capitals', `<p:machine ${ours} ${good.replace(/a{40}/, 'A'.repeat(40))}/>`],
    ['a negative id', `<p:machine ${ours} ${good.replace('"7"', '"-7"')}/>`],
    ['an id that is no number', `<p:machine ${ours} ${good.replace('"7"', '"7e3"')}/>`],
    ['half of what it was made with', `<p:machine ${ours} ${good} ipv4="192.168.122.2"/>`],
    ['a token and nothing else of that', `<p:machine ${ours} ${good} nftTokenId="7"/>`],
    ['chain 0', `<p:machine ${ours} ${good.replace('chainId="1"', 'chainId="0"')}/>`],
    ['an id of a thousand digits', `<p:machine ${ours} ${good.replace('"7"', `"${'9'.repeat(1000)}"`)}/>`],
  ])('is not seen in %s', (_, inside) => expect(read(inside)).toBeUndefined());

  it('is handed to virsh without its namespace, which virsh adds itself', () => {
    fc.assert(
      fc.property(metadata, (wanted) => {
        const bare = bareMachineElement(wanted);
        expect(bare).toMatch(/^<machine(?: [A-Za-z0-9]+="[^"<>]*")+\/>$/);
        expect(bare).not.toContain('xmlns');
        expect(read(bare.replace('<machine', `<p:machine ${ours}`))).toEqual(wanted);
      }),
    );
  });
});

import { HypervisorError } from '../../domain/errors.ts';
import type { NetworkCard } from '../../ports/machine-builder.ts';
import { childAt, childrenNamed, parseXml, type XmlElement } from '../virsh/xml.ts';
import { filterParametersXml } from './interface-xml.ts';
import { filterName } from './network-filter.ts';

const CARD = /<interface\b[\s\S]*?<\/interface>/g;
const PARAMETERS = /(<filterref\b[^>]*\bfilter=(["'])([^"']*)\2[^>]*?)(?:\/>|>[\s\S]*?<\/filterref>)/;

const macIn = (card: XmlElement | undefined): string | undefined =>
  childAt(card, 'mac')?.attributes.get('address')?.toLowerCase();

/**
 * The same definition, only that the filter of the card with that MAC lets other addresses pass. Throws (incurable) where
 * there is no such card: then the guest's network is not what we gave it. A card without our filter needs no change.
 */
export const readdressed = (definition: string, card: NetworkCard): string => {
  const mac = card.mac.toLowerCase();
  const devices = childAt(parseXml(definition), 'devices');
  if (!childrenNamed(devices, 'interface').some((element) => macIn(element) === mac))
    throw new HypervisorError(`the definition has no network card ${mac}`, {
      code: 'card-unknown',
      retryable: false,
      hint: 'somebody gave it another card: give that the address by hand',
    });
  return definition.replace(CARD, (element) => {
    if (macIn(parseXml(element)) !== mac) return element;
    return element.replace(PARAMETERS, (whole, opening: string, _quote: string, filter: string) =>
      filter === filterName ? `${opening}>${filterParametersXml(card)}</filterref>` : whole,
    );
  });
};

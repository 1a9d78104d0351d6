/**
 * What a guest's network is to be taken from the seed for: not only as a new instance but at each boot, so that a machine
 * that comes back at another address (D21) takes it without a first boot in its owner's disk. cloud-init 21 or newer.
 */
export const networkAtEachBoot = 'updates: { network: { when: [ boot-new-instance, boot ] } }';

/** The same for each guest; where its own system says otherwise, that holds. */
export const vendorData = `#cloud-config\n${networkAtEachBoot}\n`;

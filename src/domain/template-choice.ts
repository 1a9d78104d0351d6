import { BlockhostError } from './errors.ts';
import { plainChecksum, plainSuite, type TemplateSettings, type TemplateSource } from './template.ts';

/** What the command line says of the source. */
export interface TemplateFlags {
  readonly url?: string | undefined;
  readonly image?: string | undefined;
  readonly checksum?: string | undefined;
  readonly suite?: string | undefined;
  readonly fromPackages?: boolean | undefined;
  readonly asIs?: boolean | undefined;
}

/** The source that flags and configuration name together; flags win. Throws one `BlockhostError` that names every fault. */
export const chooseSource = (flags: TemplateFlags, settings: TemplateSettings): TemplateSource => {
  const faults = faultsOf(flags, settings);
  if (faults.length > 0) {
    throw new BlockhostError(faults.join('; '), {
      code: 'template-arguments',
      retryable: false,
      hint: '--help shows what goes together',
    });
  }
  const asIs = flags.asIs === true;
  const checksum = flags.checksum === undefined ? undefined : plainChecksum.parse(flags.checksum);
  if (flags.image !== undefined) return { kind: 'file', path: flags.image, checksum, asIs };
  if (flags.url !== undefined) return { kind: 'url', url: flags.url, checksum: checksum ?? '', asIs };
  if (usesConfiguredImage(flags, settings)) {
    return { kind: 'url', url: settings.image.url, checksum: settings.image.checksum ?? '', asIs };
  }
  const { suite, mirror, packages, sizeGib } = settings;
  return { kind: 'packages', suite: flags.suite ?? suite, mirror, packages, sizeGib };
};

const usesConfiguredImage = (
  { url, image, fromPackages, suite }: TemplateFlags,
  settings: TemplateSettings,
): settings is TemplateSettings & { image: NonNullable<TemplateSettings['image']> } =>
  settings.image !== undefined && [url, image, suite].every((flag) => flag === undefined) && fromPackages !== true;

const faultsOf = (flags: TemplateFlags, settings: TemplateSettings): string[] => {
  const { url, image, checksum, suite, fromPackages, asIs } = flags;
  const ofPackages = fromPackages === true || suite !== undefined;
  const named = [url !== undefined, image !== undefined, ofPackages].filter(Boolean).length;
  const configured = usesConfiguredImage(flags, settings);
  const hasImage = url !== undefined || image !== undefined || configured;
  const faults: string[] = [];
  const unless = (fine: boolean, fault: string): void => void (fine || faults.push(fault));
  unless(named <= 1, 'only one of --url, --image and --from-packages or --suite can be meant');
  unless(url === undefined || isPublicUrl(url), '--url wants http:// or https://, without user and password');
  unless(url === undefined || checksum !== undefined, '--url wants --checksum sha256:HEX, as its publisher gives it');
  unless(image !== '', '--image wants a file');
  unless(
    checksum === undefined || plainChecksum.safeParse(checksum).success,
    '--checksum wants sha256:HEX or sha512:HEX',
  );
  unless(checksum === undefined || url !== undefined || image !== undefined, '--checksum goes with --url or --image');
  unless(suite === undefined || plainSuite.safeParse(suite).success, '--suite wants the name of a Debian release');
  unless(asIs !== true || hasImage, '--as-is goes with a cloud image');
  unless(
    !configured || settings.image.checksum !== undefined,
    'template.url in provisioner.yaml wants template.checksum',
  );
  return faults;
};

const isPublicUrl = (text: string): boolean => {
  try {
    const { protocol, username, password } = new URL(text);
    return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
  } catch {
    return false;
  }
};

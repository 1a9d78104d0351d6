import { BlockhostError } from '../../domain/errors.ts';
import { inputsText, type SettledSource, type TemplateSource } from '../../domain/template.ts';
import type { Clock } from '../../ports/clock.ts';
import type { BuildReport, StoredTemplate, TemplateStore, TemplateWorkshop } from '../../ports/template-workshop.ts';

export interface TemplateDeps {
  readonly workshop: TemplateWorkshop;
  readonly store: TemplateStore;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly report: BuildReport;
}

export interface TemplateRequest {
  readonly source: TemplateSource;
  /** Build although nothing changed: Debian's archive may have newer packages. */
  readonly rebuild: boolean;
  /** May install what the host lacks. Nothing else may. */
  readonly installMissing: boolean;
}

export interface TemplateOutcome {
  readonly kind: 'built' | 'up-to-date';
  readonly template: StoredTemplate;
  readonly settled: SettledSource;
  readonly tookMs: number;
}

/**
 * Brings the base of new machines up to date with its source; machines that exist keep theirs. Nothing is changed before
 * all that is needed was seen to be there. Cut off anywhere, the old base counts, and the next call tidies up. Throws
 * `BlockhostError`.
 */
export const buildTemplate = async (deps: TemplateDeps, request: TemplateRequest): Promise<TemplateOutcome> => {
  const { workshop, report, clock } = deps;
  const startedMs = clock.monotonicMs();
  if (!workshop.isRoot) {
    throw new BlockhostError('a template can only be built by root', {
      code: 'template-root',
      retryable: false,
      hint: 'start it with sudo',
    });
  }
  const settled = await workshop.settle(request.source);
  const inputs = workshop.digestOfText(inputsText(settled));
  const outcome = (kind: TemplateOutcome['kind'], template: StoredTemplate): TemplateOutcome => ({
    kind,
    template,
    settled,
    tookMs: clock.monotonicMs() - startedMs,
  });
  const before = await upToDate(deps, inputs);
  if (before !== undefined && !request.rebuild) return outcome('up-to-date', before);
  await provide(workshop, settled, request.installMissing, report);

  return workshop.exclusively(
    () => report.step('another build is under way; waiting for it (Ctrl-C gives up)'),
    async () => {
      // Whoever was waited for may have built this very template.
      const meanwhile = await upToDate(deps, inputs);
      if (meanwhile !== undefined && (!request.rebuild || meanwhile.digest !== before?.digest)) {
        return outcome('up-to-date', meanwhile);
      }
      return outcome('built', await buildAndStore(deps, settled, inputs));
    },
  );
};

const upToDate = async ({ store }: TemplateDeps, inputs: string): Promise<StoredTemplate | undefined> => {
  const current = await store.current();
  return current !== 'absent' && current.versions.inputs === inputs ? current : undefined;
};

const buildAndStore = async (
  { workshop, store }: TemplateDeps,
  settled: SettledSource,
  inputs: string,
): Promise<StoredTemplate> => {
  const { source } = settled;
  let done = false;
  await workshop.clean(source);
  try {
    const built = await workshop.build(settled);
    const versions = { ...built.versions, mode: modeOf(source), inputs };
    const stored = await store.store(built, { source: sourceOf(settled), versions });
    done = true;
    return stored;
  } finally {
    await workshop.clean(done ? undefined : source);
  }
};

/** Throws one error with everything that is missing, before anything is changed; installs only where that was asked for. */
const provide = async (
  workshop: TemplateWorkshop,
  settled: SettledSource,
  installMissing: boolean,
  report: BuildReport,
): Promise<void> => {
  const missing = await workshop.missingTools(settled);
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))].sort();
  const [free, needed] = [await workshop.freeBytes(), await workshop.neededBytes(settled)];
  const faults = [
    ...(free < needed ? [`only ${mib(free)} MiB are free where ${mib(needed)} MiB are needed`] : []),
    ...(packages.length > 0 && !installMissing
      ? [`this host lacks ${missing.map(({ program }) => program).join(', ')}`]
      : []),
  ];
  if (faults.length > 0) {
    const install = `run: apt-get install --no-install-recommends ${packages.join(' ')} (or say --install-missing)`;
    throw new BlockhostError(faults.join('; '), {
      code: 'template-preflight',
      retryable: false,
      hint: packages.length > 0 && !installMissing ? install : 'free some space on that file system',
    });
  }
  if (packages.length === 0) return;
  report.step(`installing ${packages.join(', ')} on this host`);
  await workshop.install(packages);
};

const MIB = 1024 ** 2;
const mib = (bytes: number): number => Math.ceil(bytes / MIB);

const modeOf = (source: TemplateSource): string => {
  if (source.kind === 'packages') return 'packages';
  return source.asIs ? 'image, as it is' : 'image, customized';
};

/** Where it came from, for people. A query may carry somebody's token, so it stays out. */
const sourceOf = ({ source, pinned }: SettledSource): string => {
  if (source.kind === 'packages')
    return `Debian ${pinned}${source.mirror === undefined ? '' : ` from ${bare(source.mirror)}`}`;
  return source.kind === 'url' ? bare(source.url) : source.path;
};

const bare = (url: string): string => url.replace(/[?#].*$/s, '');

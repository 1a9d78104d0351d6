import { stat } from 'node:fs/promises';
import { BlockhostError } from '../domain/errors.ts';
import { chooseSource, type TemplateFlags } from '../domain/template-choice.ts';
import { createBaseNames, readManifest } from '../drivers/bases/base-files.ts';
import { createBaseStore } from '../drivers/bases/base-store.ts';
import { storeBase } from '../drivers/bases/store-base.ts';
import { createWorkshop } from '../drivers/template/workshop.ts';
import { buildTemplate, type TemplateOutcome } from '../operations/template/build-template.ts';
import type { Clock } from '../ports/clock.ts';
import type { TemplateStore } from '../ports/template-workshop.ts';
import { createProgress } from './progress.ts';
import { runCommand } from './run-command.ts';

export interface BuildTemplateFlags extends TemplateFlags {
  readonly rebuild?: boolean;
  readonly installMissing?: boolean;
}

/** `build-template`: progress on stderr, a summary on stdout (contract §2). */
export const buildTemplateCommand = (flags: BuildTemplateFlags): Promise<void> =>
  runCommand('blockhost-build-template', async ({ config, paths, clock, stop, out, tell }) => {
    const source = chooseSource(flags, config.template);
    const progress = createProgress({ stream: process.stderr, clock });
    const workshop = createWorkshop({
      directory: paths.templateWorkDir,
      locksDir: paths.locksDir,
      packagesDir: paths.templatePackagesDir,
      clock,
      report: progress,
      signal: stop,
    });
    try {
      const store = storeIn(paths.basesDir, clock);
      const request = { source, rebuild: flags.rebuild === true, installMissing: flags.installMissing === true };
      const outcome = await buildTemplate({ workshop, store, clock, report: progress }, request);
      progress.end();
      for (const line of await summaryOf(outcome)) out(line);
      return 0;
    } catch (error) {
      progress.end();
      if (!stop.aborted) throw error;
      tell('blockhost-build-template: stopped; the template is as it was, nothing half built is left');
      return 1;
    }
  });

const storeIn = (directory: string, clock: Clock): TemplateStore => {
  const bases = createBaseStore({ directory });
  const names = createBaseNames(directory);
  return {
    current: async () => {
      try {
        const base = await bases.current();
        if (base === 'absent') return 'absent';
        await bases.verify(base.digest);
        const manifest = await readManifest(names, base.digest);
        return manifest === 'absent' ? 'absent' : { ...manifest, path: base.path };
      } catch (error) {
        // A base that is damaged or half gone is none that new machines could have: build it anew.
        if (error instanceof BlockhostError && !error.retryable) return 'absent';
        throw error;
      }
    },
    store: async ({ imageFile, boot }, { source, versions }) => {
      const { digest, path } = await storeBase(
        { directory, clock },
        { imageFile, boot, manifest: { source, versions } },
      );
      return { digest, path, source, versions };
    },
  };
};

const summaryOf = async ({ kind, template, settled, tookMs }: TemplateOutcome): Promise<readonly string[]> => {
  const { mode = '', inputs: _, ...versions } = template.versions;
  const mib = Math.round((await stat(template.path)).size / 1024 ** 2);
  return [
    kind === 'built' ? `built ${template.digest}` : `up to date: ${template.digest} (--rebuild builds it anew)`,
    `  source    ${template.source}`,
    `  mode      ${mode}`,
    `  versions  ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    `  packages  ${settled.localPackages.map(({ name }) => name).join(', ') || 'none beside Debian’s'}`,
    `  size      ${mib} MiB`,
    `  took      ${(tookMs / 1000).toFixed(1)} s`,
  ];
};

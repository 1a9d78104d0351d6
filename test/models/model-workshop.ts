import { inputsText, type LocalPackage, type SettledSource } from '../../src/domain/template.ts';
import type {
  BuildReport,
  MissingTool,
  StoredTemplate,
  TemplateStore,
  TemplateWorkshop,
} from '../../src/ports/template-workshop.ts';

/** A workshop and a store in memory; what was done is in `did`, in order. */
export interface ModelWorkshop {
  readonly workshop: TemplateWorkshop;
  readonly store: TemplateStore;
  readonly report: BuildReport;
  readonly did: string[];
  /** What the world is like; a test changes it. */
  readonly world: {
    root: boolean;
    free: number;
    missing: MissingTool[];
    localPackages: LocalPackage[];
    current: StoredTemplate | 'absent';
    /** Called while somebody else holds the lock. */
    whileWaiting: (() => void) | undefined;
    failBuild: Error | undefined;
  };
}

export const createModelWorkshop = (): ModelWorkshop => {
  const did: string[] = [];
  const world: ModelWorkshop['world'] = {
    root: true,
    free: 10_000,
    missing: [],
    localPackages: [],
    current: 'absent',
    whileWaiting: undefined,
    failBuild: undefined,
  };
  const workshop: TemplateWorkshop = {
    get isRoot() {
      return world.root;
    },
    settle: async (source) => ({
      source,
      pinned: source.kind === 'packages' ? (source.suite ?? 'bookworm') : (source.checksum ?? 'sha256:file'),
      localPackages: world.localPackages,
    }),
    digestOfText: (text) => `digest of ${text}`,
    missingTools: async () => world.missing,
    install: async (packages) => {
      did.push(`install ${packages.join(' ')}`);
      world.missing = [];
    },
    freeBytes: async () => world.free,
    neededBytes: async () => 1_000,
    exclusively: async (onWait, body) => {
      if (world.whileWaiting !== undefined) {
        onWait();
        world.whileWaiting();
      }
      did.push('lock');
      try {
        return await body();
      } finally {
        did.push('unlock');
      }
    },
    clean: async (keep) => void did.push(keep === undefined ? 'clean' : 'clean but downloads'),
    build: async () => {
      did.push('build');
      if (world.failBuild !== undefined) throw world.failBuild;
      return { imageFile: '/image', boot: { kind: 'disk' }, versions: { kernel: '6.1' } };
    },
  };
  const store: TemplateStore = {
    current: async () => world.current,
    store: async (_built, about) => {
      did.push('store');
      world.current = { digest: `sha256:${did.length}`, path: '/base', ...about };
      return world.current;
    },
  };
  const report: BuildReport = {
    step: (text) => void did.push(`say ${text}`),
    detail: () => undefined,
    bytes: () => undefined,
  };
  return { workshop, store, report, did, world };
};

/** A base as an earlier build of that source left it. */
export const builtBefore = (settled: SettledSource): StoredTemplate => ({
  digest: 'sha256:before',
  path: '/before',
  source: 'before',
  versions: { inputs: `digest of ${inputsText(settled)}` },
});

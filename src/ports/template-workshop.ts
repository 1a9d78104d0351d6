import type { SettledSource, TemplateSource } from '../domain/template.ts';
import type { BaseImage } from './machine-builder.ts';

/** A program that a build needs and the host lacks, with the Debian package that brings it. */
export interface MissingTool {
  readonly program: string;
  readonly debianPackage: string;
}

/** An image as it was built, not yet a base of anything. */
export interface BuiltTemplate {
  readonly imageFile: string;
  readonly boot: BaseImage['boot'];
  /** Releases of what matters in it, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** How a build goes on, for whoever waits for it. */
export interface BuildReport {
  /** A sentence about what begins now. */
  step(text: string): void;
  /** A line of a program that is at work. */
  detail(text: string): void;
  /** Bytes of a download; `total` is undefined where the server did not say. */
  bytes(done: number, total: number | undefined): void;
}

/** Where templates are built. Nothing but `exclusively`, `clean`, `install` and `build` changes anything. */
export interface TemplateWorkshop {
  readonly isRoot: boolean;
  /** Reads what the source and the folder of local packages are now. Throws with all that is wrong with them. */
  settle(source: TemplateSource): Promise<SettledSource>;
  /** `sha256:` and 64 digits. */
  digestOfText(text: string): string;
  missingTools(settled: SettledSource): Promise<readonly MissingTool[]>;
  /** Installs Debian packages on the host; only ever asked for in so many words. */
  install(debianPackages: readonly string[]): Promise<void>;
  /** Bytes free where it builds. */
  freeBytes(): Promise<number>;
  /** Bytes that a build of it takes while it is at work, its result included. */
  neededBytes(settled: SettledSource): Promise<number>;
  /** Runs `body` while no other process builds; `onWait` is called once where another one does. Rejects when stopped. */
  exclusively<T>(onWait: () => void, body: () => Promise<T>): Promise<T>;
  /** Removes what earlier builds left; a download that `keep` can go on with stays. Only under `exclusively`. */
  clean(keep: TemplateSource | undefined): Promise<void>;
  /** Builds below a directory of its own. Rejects when stopped, with every program that it started ended. */
  build(settled: SettledSource): Promise<BuiltTemplate>;
}

/** What the store of bases knows of the newest. */
export interface StoredTemplate {
  readonly digest: string;
  readonly path: string;
  readonly source: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** The store of bases, as a build sees it. */
export interface TemplateStore {
  /** The base that new machines get, where it is whole; `absent` where there is none that could be used. */
  current(): Promise<StoredTemplate | 'absent'>;
  /** Takes the image in and makes it current, in one move. */
  store(built: BuiltTemplate, about: Pick<StoredTemplate, 'source' | 'versions'>): Promise<StoredTemplate>;
}

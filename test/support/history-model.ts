import type { HistoryLimits } from '#server/metadata/rules.js';

/** A version of a file in the model; contents are words. */
interface ModelVersion {
  readonly name: string;
  readonly version: number;
  readonly content: string;
}

/** One that was overwritten or deleted. */
interface ModelPast extends ModelVersion {
  readonly deletion: number | undefined;
  readonly ended: number;
  /** Its place in the order in which versions ended. */
  readonly order: number;
}

/** What a change requires of the stored content: `*` any, a word that one, `none` that there is no file. */
export type ModelCondition = '*' | 'none' | (string & {}) | undefined;

/** What a metadata store with a history must do, as plain lists without any index. */
export class HistoryModel {
  #files: readonly ModelVersion[] = [];
  #past: readonly ModelPast[] = [];
  #ended = 0;
  /** Milliseconds since 1970. */
  now = 1_000_000;

  constructor(public limits: HistoryLimits) {}

  put(name: string, version: number, content: string, condition: ModelCondition): string {
    const stored = this.find(name);
    if (isUnmet(condition, stored)) return 'precondition_failed';
    if (stored && stored.version > version) return `unchanged ${stored.version}`;
    if (!stored && this.#conflicts(name)) return 'name_conflict';
    // One that was put again while nothing was kept stays hidden behind the file until that gives way.
    if (this.#isKept && stored?.version !== version) this.#forget(name, version);
    if (stored) {
      this.#files = this.#files.filter((file) => file !== stored);
      if (stored.version !== version) this.#end(stored, undefined);
    }
    this.#files = [...this.#files, { name, version, content }];
    return 'stored';
  }

  delete(name: string, version: number, condition: ModelCondition): string {
    const stored = this.find(name);
    if (isUnmet(condition, stored)) return 'precondition_failed';
    if (!stored) return 'missing';
    if (stored.version > version) return 'newer';
    this.#files = this.#files.filter((file) => file !== stored);
    this.#end(stored, version);
    return 'deleted';
  }

  find(name: string, version?: number): ModelVersion | undefined {
    const stored = this.#files.find((file) => file.name === name);
    if (version === undefined || stored?.version === version) return stored;
    return this.#past.find((past) => past.name === name && past.version === version);
  }

  /** Forgets all that the limits, which may have changed, keep no longer. */
  expire(): void {
    const { keepFor } = this.limits;
    if (!this.#isKept) this.#past = [];
    this.#past = this.#past.filter(({ ended }) => ended + keepFor > this.now);
    for (const name of new Set(this.#past.map((past) => past.name))) this.#trim(name);
  }

  versions(name: string): string[] {
    const stored = this.#files.filter((file) => file.name === name);
    return [...stored, ...this.#visible().filter((past) => past.name === name)]
      .toSorted((a, b) => b.version - a.version)
      .map((version) => `${version.version} ${version.content}`);
  }

  list(directory: string): string[] {
    const below = this.#files.filter(({ name }) => name.startsWith(directory === '' ? '' : `${directory}/`));
    return inOrder(below);
  }

  /** Of each name the newest version by then that was not deleted by then, and that no deleted one had replaced. */
  listAsOf(moment: number): string[] {
    const deleted = this.#past.filter((past) => past.version <= moment && isDeleted(past, moment));
    const hides = (other: ModelPast, version: ModelPast) =>
      other === version ||
      (other.name === version.name && other.version > version.version && other.order > version.order);
    const past = this.#visible().filter((version) => !deleted.some((other) => hides(other, version)));
    const there = [...this.#files, ...past].filter(({ version }) => version <= moment);
    const newest = there.filter(
      ({ name, version }) => !there.some((other) => other.name === name && other.version > version),
    );
    return inOrder(newest);
  }

  /** Files, and versions of the past. */
  counts(): { readonly files: number; readonly keptVersions: number } {
    return { files: this.#files.length, keptVersions: this.#past.length };
  }

  /** Distinct contents of files and past versions. */
  contents(): Set<string> {
    return new Set([...this.#files, ...this.#past].map(({ content }) => content));
  }

  #end(version: ModelVersion, deletion: number | undefined): void {
    if (!this.#isKept) return;
    this.#forget(version.name, version.version);
    this.#past = [...this.#past, { ...version, deletion, ended: this.now, order: ++this.#ended }];
    this.#trim(version.name);
  }

  get #isKept(): boolean {
    return this.limits.keepVersions > 1;
  }

  #forget(name: string, version: number): void {
    this.#past = this.#past.filter((past) => past.name !== name || past.version !== version);
  }

  /** The past versions without those that were put again after the keeping of versions had ended. */
  #visible(): readonly ModelPast[] {
    return this.#past.filter(
      ({ name, version }) => !this.#files.some((file) => file.name === name && file.version === version),
    );
  }

  #trim(name: string): void {
    const past = this.#past.filter((version) => version.name === name).toSorted((a, b) => a.order - b.order);
    const excess = past.slice(0, Math.max(0, past.length - (this.limits.keepVersions - 1)));
    this.#past = this.#past.filter((version) => !excess.includes(version));
  }

  #conflicts(name: string): boolean {
    return this.#files.some((file) => file.name.startsWith(`${name}/`) || name.startsWith(`${file.name}/`));
  }
}

function inOrder(versions: readonly ModelVersion[]): string[] {
  return versions
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    .map(({ name, version }) => `${name}@${version}`);
}

function isUnmet(condition: ModelCondition, stored: ModelVersion | undefined): boolean {
  if (condition === undefined) return false;
  if (condition === 'none') return stored !== undefined;
  return stored === undefined || (condition !== '*' && stored.content !== condition);
}

function isDeleted({ version, deletion, ended }: ModelPast, moment: number): boolean {
  if (deletion === undefined) return false;
  const made = Math.floor(ended / 1000);
  return (deletion === version ? made : Math.min(deletion, made)) <= moment;
}

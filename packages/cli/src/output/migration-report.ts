import { type FileName, versionedName } from '@filetracker/protocol';
import type { MigrationObserver } from '../migrate/migrate.js';
import type { Amount, InspectedFile } from '../migrate/source.js';
import { describeFileFailure } from './failure.js';
import type { FilesProgress } from './files-progress.js';
import { formatSize } from './format.js';
import { formatDuration, formatThings } from './format-count.js';
import type { Output } from './output.js';

/** Counts and prints what a migration does. */
export class MigrationReport implements MigrationObserver {
  readonly #counts = { stored: 0, unchanged: 0, newer: 0, deleted: 0, failed: 0, bytes: 0 };
  readonly #started = performance.now();
  #progress: FilesProgress | undefined;
  #counting: AbortController | undefined;

  constructor(
    private readonly output: Output,
    private readonly options: { readonly dryRun: boolean },
  ) {}

  /** Shows how far it is, if there is a terminal. `count` counts meanwhile how much there is to do. */
  start(count: (total: Amount, signal: AbortSignal) => Promise<void>): void {
    const total: Amount = { files: 0, bytes: 0 };
    this.#progress = this.output.showFiles(total);
    if (!this.#progress) return;
    this.#counting = new AbortController();
    // What cannot be counted is reported when it cannot be stored.
    count(total, this.#counting.signal).catch(() => {});
  }

  /** Takes the progress away. */
  stop(): void {
    this.#counting?.abort();
    this.#progress?.stop();
    this.#progress = undefined;
  }

  sent(bytes: number): void {
    this.#progress?.add(bytes, 0);
  }

  stored(name: FileName, file: InspectedFile): void {
    this.#counts.stored++;
    this.#counts.bytes += file.content.size;
    this.#progress?.add(file.content.size);
    const versioned = versionedName(name, file.version);
    if (this.options.dryRun)
      this.#print(`store ${versioned} (${formatSize(file.content.size)})`, { store: versioned });
    else this.#detail(`stored ${versioned}`);
  }

  kept(name: FileName, file: InspectedFile, reason: 'same' | 'newer'): void {
    this.#counts[reason === 'same' ? 'unchanged' : 'newer']++;
    this.#progress?.add(file.content.size);
    if (reason === 'newer') this.#detail(`/${name} is newer there`);
  }

  unchanged(files: number, bytes: number): void {
    this.#counts.unchanged += files;
    this.#progress?.add(bytes, files);
  }

  deleted(name: FileName): void {
    this.#counts.deleted++;
    if (this.options.dryRun) this.#print(`delete /${name}`, { delete: `/${name}` });
    else this.#detail(`deleted /${name}`);
  }

  failed(name: string, error: Error): void {
    this.#counts.failed++;
    this.#progress?.fail();
    this.output.failure(describeFileFailure(name, error));
  }

  /** Prints what is not about a single file. */
  remark(text: string): void {
    if (this.output.json) this.output.result(undefined, { remark: text });
    else this.output.warn(text);
  }

  /** Prints the summary, of all or of what was done so far, and returns the number of failures. */
  finish({ isComplete }: { readonly isComplete: boolean }): number {
    const { stored, unchanged, newer, deleted, failed, bytes } = this.#counts;
    const elapsed = Math.round(performance.now() - this.#started);
    const parts = [
      `${formatThings(stored, 'file')} ${this.options.dryRun ? 'to store' : 'stored'} (${formatSize(bytes)})`,
      `${formatThings(unchanged, 'file')} there already`,
      ...(newer > 0 ? [`${formatThings(newer, 'file')} newer there`] : []),
      ...(deleted > 0
        ? [`${formatThings(deleted, 'file')} ${this.options.dryRun ? 'to delete' : 'deleted'}`]
        : []),
      ...(failed > 0 ? [`${formatThings(failed, 'file')} failed`] : []),
    ];
    const { dryRun } = this.options;
    const summary = { ...this.#counts, seconds: elapsed / 1000, dryRun, complete: isComplete };
    const text = `${parts.join(', ')} in ${formatDuration(elapsed)}`;
    if (this.output.json) this.output.result(undefined, summary);
    else if (isComplete) this.output.note(text);
    // Of what never began, the error says all.
    else if (Object.values(this.#counts).some((count) => count > 0))
      this.output.note(`broken off: ${text}; run it again to go on`);
    return failed;
  }

  #print(text: string, result: Readonly<Record<string, unknown>>): void {
    this.output.result(text, result);
  }

  #detail(text: string): void {
    this.output.detail(text);
  }
}

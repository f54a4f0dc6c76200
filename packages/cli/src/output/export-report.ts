import type { FileStat } from '@filetracker/client';
import type { FileName } from '@filetracker/protocol';
import type { ExportObserver } from '../export/export-tree.js';
import type { Amount } from '../migrate/source.js';
import { describeFileFailure } from './failure.js';
import type { FilesProgress } from './files-progress.js';
import { formatSize } from './format.js';
import { formatDuration, formatThings } from './format-count.js';
import type { Output } from './output.js';

/** Counts and prints what an export does. */
export class ExportReport implements ExportObserver {
  readonly #counts = { copied: 0, linked: 0, kept: 0, failed: 0, bytes: 0 };
  readonly #started = performance.now();
  #progress: FilesProgress | undefined;
  #counting: AbortController | undefined;

  constructor(private readonly output: Output) {}

  /** Shows how far it is, if there is a terminal. `count` counts meanwhile how much there is to do. */
  start(count: (total: Amount, signal: AbortSignal) => Promise<void>): void {
    const total: Amount = { files: 0, bytes: 0 };
    this.#progress = this.output.showFiles(total);
    if (!this.#progress) return;
    this.#counting = new AbortController();
    // What cannot be listed is told by the export itself.
    count(total, this.#counting.signal).catch(() => {});
  }

  written({ name, size }: FileStat, how: 'copied' | 'linked'): void {
    this.#counts[how]++;
    if (how === 'copied') this.#counts.bytes += size;
    this.#progress?.add(size);
    this.output.detail(`${how} /${name}`);
  }

  kept({ size }: FileStat): void {
    this.#counts.kept++;
    this.#progress?.add(size);
  }

  failed(name: FileName, error: Error): void {
    this.#counts.failed++;
    this.#progress?.fail();
    this.output.failure(describeFileFailure(name, error));
  }

  /** Takes the progress away, prints the summary, of all or of what was done so far, and returns the number of failures. */
  finish({ isComplete }: { readonly isComplete: boolean }): number {
    this.#counting?.abort();
    this.#progress?.stop();
    const { copied, linked, kept, failed, bytes } = this.#counts;
    const elapsed = Math.round(performance.now() - this.#started);
    const parts = [
      `${formatThings(copied, 'file')} written (${formatSize(bytes)})`,
      ...(linked > 0 ? [`${formatThings(linked, 'file')} linked`] : []),
      `${formatThings(kept, 'file')} there already`,
      ...(failed > 0 ? [`${formatThings(failed, 'file')} failed`] : []),
    ];
    const text = `${parts.join(', ')} in ${formatDuration(elapsed)}`;
    const summary = { ...this.#counts, seconds: elapsed / 1000, complete: isComplete };
    if (this.output.json) this.output.result(undefined, summary);
    else if (isComplete) this.output.note(text);
    // Of what never began, the error says all.
    else if (Object.values(this.#counts).some((count) => count > 0))
      this.output.note(`broken off: ${text}; run it again to go on`);
    return failed;
  }
}

import type { Totals, WatchEvent } from '@filetracker/catalog';

/** What is counted for one root. */
interface RootFigures {
  backend: string;
  isLive: boolean;
  totals: Totals;
  lastBatchAt: number;
  batches: number;
  gaps: number;
  alerts: number;
  /** Directories that cannot be read, by the places that were looked through. */
  readonly unreadable: Map<string, number>;
  readonly changes: Record<'new' | 'modified' | 'renamed' | 'removed', number>;
}

const NOTHING: Totals = { files: 0, directories: 0, bytes: 0, allocated: 0 };

/** Counts what watches tell, for monitoring. */
export class WatchMetrics {
  readonly #roots = new Map<string, RootFigures>();

  constructor(roots: readonly string[]) {
    for (const root of roots) {
      this.#roots.set(root, {
        backend: '',
        isLive: false,
        totals: NOTHING,
        lastBatchAt: 0,
        batches: 0,
        gaps: 0,
        alerts: 0,
        unreadable: new Map(),
        changes: { new: 0, modified: 0, renamed: 0, removed: 0 },
      });
    }
  }

  /** Takes in an event of a root. */
  add(root: string, event: WatchEvent): void {
    const figures = this.#roots.get(root);
    if (!figures) return;
    if (event.kind === 'started') {
      Object.assign(figures, { backend: event.backend, isLive: true, totals: event.totals });
    } else if (event.kind === 'state') figures.isLive = event.state === 'live';
    else if (event.kind === 'gap') figures.gaps++;
    else if (event.kind === 'unreadable') figures.unreadable.set(event.path, event.directories);
    else if (event.kind === 'batch') {
      const { batch } = event;
      figures.batches++;
      figures.lastBatchAt = batch.recordedAt;
      figures.totals = batch.totals ?? NOTHING;
      for (const kind of ['new', 'modified', 'renamed', 'removed'] as const) {
        figures.changes[kind] += batch.changes[kind].files;
      }
    }
  }

  addAlert(root: string): void {
    const figures = this.#roots.get(root);
    if (figures) figures.alerts++;
  }

  /** Whether all roots are followed, and which are not. */
  health(): { readonly isLive: boolean; readonly roots: Readonly<Record<string, 'live' | 'waiting'>> } {
    const roots = Object.fromEntries(
      [...this.#roots].map(([root, { isLive }]) => [root, isLive ? ('live' as const) : ('waiting' as const)]),
    );
    return { isLive: [...this.#roots.values()].every(({ isLive }) => isLive), roots };
  }

  /** The figures in the text format of Prometheus. */
  exposition(): string {
    const lines: string[] = [];
    const metric = (
      name: string,
      type: 'gauge' | 'counter',
      help: string,
      values: (figures: RootFigures) => readonly (readonly [labels: string, value: number])[],
    ) => {
      lines.push(`# HELP filetracker_watch_${name} ${help}`, `# TYPE filetracker_watch_${name} ${type}`);
      for (const [root, figures] of this.#roots) {
        for (const [labels, value] of values(figures)) {
          lines.push(`filetracker_watch_${name}{root="${escapeLabel(root)}"${labels}} ${value}`);
        }
      }
    };
    metric('live', 'gauge', '1 while the catalog follows the disk.', ({ isLive, backend }) => [
      [`,backend="${backend}"`, isLive ? 1 : 0],
    ]);
    metric('files', 'gauge', 'Files below the root.', ({ totals }) => [['', totals.files]]);
    metric('directories', 'gauge', 'Directories below the root.', ({ totals }) => [['', totals.directories]]);
    metric('bytes', 'gauge', 'Lengths of the files.', ({ totals }) => [['', totals.bytes]]);
    metric('allocated_bytes', 'gauge', 'Space taken on the disk.', ({ totals }) => [['', totals.allocated]]);
    metric('unreadable_directories', 'gauge', 'Directories that cannot be read.', ({ unreadable }) => [
      ['', [...unreadable.values()].reduce((sum, count) => sum + count, 0)],
    ]);
    metric('batches_total', 'counter', 'Recorded batches.', ({ batches }) => [['', batches]]);
    metric('changes_total', 'counter', 'Changed files by what happened.', ({ changes }) =>
      Object.entries(changes).map(([kind, count]) => [`,kind="${kind}"`, count] as const),
    );
    metric('gaps_total', 'counter', 'Times that events were lost.', ({ gaps }) => [['', gaps]]);
    metric('alerts_total', 'counter', 'Growth alerts.', ({ alerts }) => [['', alerts]]);
    metric('last_batch_timestamp_seconds', 'gauge', 'When a change was last recorded.', ({ lastBatchAt }) => [
      ['', lastBatchAt / 1000],
    ]);
    return `${lines.join('\n')}\n`;
  }
}

function escapeLabel(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
}

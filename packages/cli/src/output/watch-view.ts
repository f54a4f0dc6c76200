import type { Catalog, ChangedPlace, ChangeKind, WatchEvent } from '@filetracker/catalog';
import { displayPath } from '@filetracker/catalog/paths';
import type { Alert } from '../watch/growth-alerts.js';
import { formatSize } from './format.js';
import { formatCount, formatDuration, formatGrowth, formatThings } from './format-count.js';
import type { Output, Result } from './output.js';
import { jsonPathFields } from './path-fields.js';
import { unreadableRemark } from './unreadable-remark.js';

/** Directories that a batch's lines name at most. */
const LINES = 10;

const SIZE_WIDTH = 11;
const PATH_WIDTH = 44;

/** Prints what a watch tells: on stdout what changed, the rest on stderr; with `--json` everything on stdout. */
export class WatchView {
  constructor(
    private readonly output: Output,
    private readonly catalog: Catalog,
  ) {}

  async show(event: WatchEvent): Promise<void> {
    if (event.kind === 'batch') await this.#showBatch(event);
    else if (this.output.json) this.#print(undefined, event);
    else this.#remark(event);
  }

  /** A directory grew more than a rule allows. */
  showAlert({ rule, path, bytes }: Alert): void {
    const text = `${clockTime(Date.now())}  ALERT: ${displayPath(path)} grew ${formatSize(bytes)} (${rule.text})`;
    this.output.result(text, { kind: 'alert', ...jsonPathFields(path), bytes, rule: rule.text });
  }

  async #showBatch({ root, batch }: Extract<WatchEvent, { kind: 'batch' }>): Promise<void> {
    const { changedPlaces } = await import('@filetracker/catalog');
    const places = await changedPlaces(this.catalog, batch, { root, limit: LINES });
    if (this.output.json) {
      const { recordedAt, cursor, run, changes, totals } = batch;
      const rows = places.map(({ path, ...sums }) => ({ ...jsonPathFields(path), ...sums }));
      this.output.result(undefined, {
        kind: 'batch',
        ...jsonPathFields(root, 'root'),
        recordedAt: new Date(recordedAt).toISOString(),
        cursor,
        ...(run !== undefined && { scan: run }),
        changes,
        totals,
        places: rows,
      });
      return;
    }
    const time = clockTime(batch.recordedAt);
    const hasFiles = places.some((place) => counts(place.files) > 0);
    for (const place of places) {
      if (hasFiles && counts(place.files) + place.left === 0 && place.bytes === 0) continue;
      const size = formatGrowth(place.bytes).padStart(SIZE_WIDTH);
      this.output.result(
        `${time} ${size}  ${displayPath(place.path).padEnd(PATH_WIDTH)}  (${words(place)})`,
        {},
      );
    }
  }

  #remark(event: Exclude<WatchEvent, { kind: 'batch' }>): void {
    const root = displayPath(event.root);
    if (event.kind === 'started') {
      for (const { backend, reason } of event.rejected) this.output.note(`not with ${backend}: ${reason}`);
      this.output.note(started(root, event));
    } else if (event.kind === 'state') {
      this.output.note(
        `${clockTime(Date.now())}  ${root}: ${event.state}${event.reason ? `: ${event.reason}` : ''}`,
      );
    } else if (event.kind === 'gap') {
      this.output.warn(
        `events below ${displayPath(event.path)} were lost: ${event.reason}; comparing with the disk`,
      );
    } else if (event.kind === 'unreadable') {
      const { directories: count, example } = event;
      if (count > 0) this.output.warn(unreadableRemark({ count, example }));
      else this.output.note(`everything below ${displayPath(event.path)} can be read again`);
    } else {
      this.output.warn(`${displayPath(event.path)} is polled: ${event.reason}`);
    }
  }

  #print(text: string | undefined, event: Exclude<WatchEvent, { kind: 'batch' }>): void {
    const { root, ...fields } = event;
    const path: Result = 'path' in event ? jsonPathFields(event.path) : {};
    const example: Result =
      event.kind === 'unreadable' && event.example
        ? { example: { ...jsonPathFields(event.example.path), reason: event.example.reason } }
        : {};
    this.output.result(text, { ...fields, ...jsonPathFields(root, 'root'), ...path, ...example });
  }
}

function started(root: string, event: Extract<WatchEvent, { kind: 'started' }>): string {
  const { backend, totals, isFirst, changedDirectories, milliseconds } = event;
  const size = `${formatThings(totals.files, 'file')} in ${formatThings(totals.directories, 'directory', 'directories')}, ${formatSize(totals.bytes)}`;
  const took = formatDuration(milliseconds);
  const how = isFirst
    ? `scanned in ${took}`
    : `state loaded in ${took}, ${formatThings(changedDirectories, 'directory', 'directories')} had changed`;
  return `watching ${root} with ${backend}: ${size} (${how})`;
}

const counts = (by: Readonly<Record<ChangeKind, number>>): number =>
  by.new + by.modified + by.renamed + by.removed;

/** `3 new, 1 modified`; directories only where no file changed; hard links where nothing but what counts did. */
function words({ bytes, files, left, directories }: ChangedPlace): string {
  const [by, unit] = counts(files) + left > 0 ? [files, ''] : [directories, ' directories'];
  const parts = (['new', 'modified', 'renamed', 'removed'] as const)
    .filter((kind) => by[kind] > 0)
    .map((kind) => `${formatCount(by[kind])}${by[kind] === 1 ? unit.replace('ies', 'y') : unit} ${kind}`);
  if (left > 0) parts.push(`${formatCount(left)} moved away`);
  return parts.join(', ') || (bytes === 0 ? 'attributes' : 'hard links');
}

function clockTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

import type { ChangePage, StoreChange } from '../metadata-store.js';
import type { JournalFrame } from './codec.js';
import { journalFiles, journalPath } from './files.js';
import { FIRST_FRAME, readPart, seekFrame } from './reader.js';
import type { JournalState } from './state.js';

/** A place in the journal where a frame begins, or where the next one will. */
interface Place {
  readonly file: number;
  readonly offset: number;
}

/** Readers whose place is remembered. One that is forgotten costs a search through the heads of one journal file. */
const REMEMBERED_PLACES = 1000;

/**
 * Tells committed changes from the journal. Nothing is kept open between two pages: a reader may be as slow as it
 * likes, and gets a gap where the journal was dropped meanwhile.
 */
export class JournalFeed {
  /** Where the frame with the change behind a sequence begins. */
  readonly #places = new Map<number, Place>();

  constructor(
    private readonly directory: string,
    private readonly state: () => JournalState,
  ) {}

  /** As `MetadataStore.changesSince`. */
  async page(since: number, limit: number): Promise<ChangePage> {
    const state = this.state();
    const newest = state.sequence;
    // Whoever has seen more than there is followed a store that this one was copied or rebuilt from.
    if (since > newest) {
      return { changes: [{ kind: 'gap', from: 1, to: newest }], last: newest, newest };
    }
    const page = new PageBuilder(since, limit);
    try {
      await this.#fill(page, state);
    } catch (error) {
      // The file was dropped between the listing and the opening; the next page begins with the gap.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    return { changes: page.changes, last: page.last, newest };
  }

  async #fill(page: PageBuilder, state: JournalState): Promise<void> {
    if (page.last >= state.sequence) return;
    const files = (await journalFiles(this.directory)).filter((first) => first <= state.file);
    let place = await this.#placeOf(page.last, files, state);
    while (place !== undefined) {
      const { file } = place;
      const to = file === state.file ? state.length : Number.POSITIVE_INFINITY;
      const part = await readPart(journalPath(this.directory, file), { from: place.offset, to });
      for (const item of part.items) {
        // Damage shows as a jump in the numbers of what follows.
        if (item.kind === 'frame' && !page.add(item.frame)) {
          this.#remember(page.last, { file, offset: item.offset });
          return;
        }
      }
      if (part.next > place.offset) place = { file, offset: part.next };
      else {
        const next = files.find((first) => first > file);
        if (next === undefined) {
          page.skipTo(state.sequence);
          this.#remember(page.last, place);
          return;
        }
        place = { file: next, offset: FIRST_FRAME };
      }
      if (page.changes.length > 0) {
        this.#remember(page.last, place);
        return;
      }
    }
    page.skipTo(state.sequence);
  }

  async #placeOf(since: number, files: readonly number[], state: JournalState): Promise<Place | undefined> {
    const known = this.#places.get(since);
    if (known && files.includes(known.file)) return known;
    const file = files.findLast((first) => first <= since + 1) ?? files[0];
    if (file === undefined) return undefined;
    const to = file === state.file ? state.length : Number.POSITIVE_INFINITY;
    return { file, offset: await seekFrame(journalPath(this.directory, file), since, to) };
  }

  #remember(since: number, place: Place): void {
    this.#places.delete(since);
    this.#places.set(since, place);
    const [oldest] = this.#places.keys();
    if (this.#places.size > REMEMBERED_PLACES && oldest !== undefined) this.#places.delete(oldest);
  }
}

class PageBuilder {
  readonly changes: StoreChange[] = [];

  constructor(
    /** Everything up to this sequence is told. */
    public last: number,
    private readonly limit: number,
  ) {}

  /** Adds what a frame has behind `last`. False when the page is full before the end of the frame. */
  add({ sequence, time, changes }: JournalFrame): boolean {
    if (sequence + changes.length - 1 <= this.last) return true;
    if (sequence > this.last + 1) this.skipTo(sequence - 1);
    for (const { event } of changes.slice(this.last + 1 - sequence)) {
      if (this.changes.length >= this.limit) return false;
      this.last++;
      if (event) this.changes.push({ ...event, sequence: this.last, time });
    }
    return true;
  }

  /** Changes up to `to` cannot be told: they were dropped or damaged. */
  skipTo(to: number): void {
    if (to <= this.last) return;
    this.changes.push({ kind: 'gap', from: this.last + 1, to });
    this.last = to;
  }
}

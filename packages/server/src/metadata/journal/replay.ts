import type { JournalFrame, RowChange } from './codec.js';
import { journalFiles, journalPath } from './files.js';
import { FIRST_FRAME, type JournalItem, readPart } from './reader.js';
import { type JournalState, stateOf } from './state.js';
import { SEQUENCE_LEAP } from './writer.js';

/** The journal has damage or a gap that no power cut leaves. Its message says where, in one line. */
class JournalDamagedError extends Error {
  override readonly name = 'JournalDamagedError';
  readonly code = 'journal_damaged';
}

/** How a journal is replayed. */
export interface ReplayOptions {
  readonly skipDamaged: boolean;
  readonly apply: (changes: readonly RowChange[]) => void;
}

/** What a replay came upon. */
export interface ReplayReport {
  /** Changes that were applied. */
  readonly changes: number;
  /** Sequence of the last change that is known; where there was none, of the state before. */
  readonly last: number;
  /** Bytes of a torn end, which were being written when the power went out. */
  readonly tornBytes: number;
  /** Changes that a power cut took although others behind them are there, a line for each cut. */
  readonly lost: readonly string[];
  /** Damage and gaps that were skipped, a line each. */
  readonly skipped: readonly string[];
}

/** Bytes that are no sound frame. */
interface Damage {
  readonly file: number;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Hands everything behind a sequence to `apply`, in order. A torn end is left out, and so is what a power cut took
 * from the journal's last second while sound records are left behind it: the records themselves say how far it was
 * on the disk. Throws {@link JournalDamagedError} for anything else that is not sound, unless that is to be skipped.
 */
export async function replayJournal(
  directory: string,
  since: number,
  options: ReplayOptions,
): Promise<ReplayReport> {
  return new Replay(directory, since, options).run();
}

class Replay {
  #last: number;
  #changes = 0;
  readonly #lost: string[] = [];
  readonly #skipped: string[] = [];
  /** Damage with nothing sound behind it so far. */
  #damage: Damage | undefined;
  /** Where the last sound frame ends of each file that was read. */
  readonly #ends = new Map<number, number>();
  #synced: Promise<ReadonlyMap<number, number>> | undefined;

  constructor(
    private readonly directory: string,
    private readonly since: number,
    private readonly options: ReplayOptions,
  ) {
    this.#last = since;
  }

  async run(): Promise<ReplayReport> {
    if ((await journalFiles(this.directory)).length === 0) {
      const unknown =
        this.since > 0
          ? `what changed since checkpoint ${this.since}`
          : 'any name, and there is no sound checkpoint';
      this.#pass(`the journal is gone: nothing tells ${unknown}`);
    }
    for await (const { file, item } of itemsSince(this.directory, this.since)) {
      if (item.kind === 'damage') this.#damage = { file, ...item };
      else {
        await this.#takeFrame(file, item.frame);
        this.#ends.set(file, item.end);
      }
    }
    // Of a file that begins otherwise, all may be damage.
    if (this.#damage?.offset === 0) {
      this.#passDamage(this.#damage);
      this.#damage = undefined;
    }
    return {
      changes: this.#changes,
      last: this.#last,
      tornBytes: this.#damage?.bytes ?? 0,
      lost: this.#lost,
      skipped: this.#skipped,
    };
  }

  async #takeFrame(file: number, { sequence, changes }: JournalFrame): Promise<void> {
    const damage = this.#damage;
    const isCut = damage !== undefined && (await this.#isPowerCut(damage));
    if (damage && !isCut) this.#passDamage(damage);
    this.#damage = undefined;
    const end = sequence + changes.length - 1;
    if (end <= this.#last) return;
    const rows = changes.flatMap((change) => change.rows);
    if (sequence > this.#last + 1) {
      const before = rows.map(stateOf).find((state) => state !== undefined);
      this.#passGap(sequence, before?.file === file ? undefined : before, isCut && damage.file === file);
    }
    this.options.apply(rows.filter((row) => stateOf(row) === undefined));
    this.#changes += changes.length;
    this.#last = end;
  }

  /** @param before where a file begins behind a gap: how the journal was before it */
  #passGap(sequence: number, before: JournalState | undefined, isCut: boolean): void {
    let end = sequence - 1;
    if (before?.file === 0) {
      // A rebuilt environment numbers on behind a leap from the last change that it knew.
      end = before.sequence - SEQUENCE_LEAP;
      if (end <= this.#last) return;
    } else if (before) {
      // And so does a journal whose end a power cut took.
      if (before.synced <= (this.#ends.get(before.file) ?? 0)) {
        if (before.sequence > this.#last) this.#tellLost();
        return;
      }
    } else if (isCut) {
      this.#tellLost();
      return;
    }
    this.#pass(`the journal has no changes ${this.#last + 1} to ${end}`);
  }

  #passDamage({ file, offset, bytes }: Damage): void {
    const place = `${journalPath(this.directory, file)} at byte ${offset}`;
    this.#pass(`the journal is damaged: ${bytes} bytes of ${place}`);
  }

  #tellLost(): void {
    this.#lost.push(`changes behind ${this.#last}, which a power cut took before they were on the disk`);
  }

  #pass(problem: string): void {
    if (!this.options.skipDamaged) {
      throw new JournalDamagedError(`${problem}; --skip-damaged rebuilds without it`);
    }
    this.#skipped.push(problem);
  }

  /** Whether bytes were not on the disk yet when the sound frames behind them were written, for all that those say. */
  async #isPowerCut({ file, offset }: Damage): Promise<boolean> {
    this.#synced ??= this.#readSynced();
    const synced = await this.#synced;
    // Journals of earlier versions say nothing.
    return synced.size > 0 && (synced.get(file) ?? 0) <= offset;
  }

  /** For each file that a frame tells of, how many bytes of it were on the disk. */
  async #readSynced(): Promise<ReadonlyMap<number, number>> {
    const known = new Map<number, number>();
    for await (const { item } of itemsSince(this.directory, this.since)) {
      if (item.kind === 'damage') continue;
      for (const { rows } of item.frame.changes) {
        for (const row of rows) {
          const state = stateOf(row);
          if (state) known.set(state.file, Math.max(known.get(state.file) ?? 0, state.synced));
        }
      }
    }
    return known;
  }
}

/** What stands in the files that have changes behind a sequence, in order. */
async function* itemsSince(
  directory: string,
  since: number,
): AsyncGenerator<{ readonly file: number; readonly item: JournalItem }> {
  const files = await journalFiles(directory);
  for (const [index, file] of files.entries()) {
    const next = files[index + 1];
    if (next !== undefined && next <= since + 1) continue;
    const path = journalPath(directory, file);
    for (let from = FIRST_FRAME; ; ) {
      const part = await readPart(path, { from, to: Number.POSITIVE_INFINITY });
      for (const item of part.items) yield { file, item };
      if (part.next <= from) break;
      from = part.next;
    }
  }
}

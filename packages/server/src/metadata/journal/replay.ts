import type { RowChange } from './codec.js';
import { journalFiles, journalPath } from './files.js';
import { FIRST_FRAME, readPart } from './reader.js';

/** The journal has damage or a gap with sound records behind it. Its message says where, in one line. */
class JournalDamagedError extends Error {
  override readonly name = 'JournalDamagedError';
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
  /** Bytes of a torn last record, which was being written when the power went out. */
  readonly tornBytes: number;
  /** Damage and gaps that were skipped, a line each. */
  readonly skipped: readonly string[];
}

/**
 * Hands everything behind a sequence to `apply`, in order. A torn end of the last file is left out: it was never
 * acknowledged, or was lost in the last second before a power cut. Throws {@link JournalDamagedError} for anything
 * else that is not sound, unless that is to be skipped.
 */
export async function replayJournal(
  directory: string,
  since: number,
  { skipDamaged, apply }: ReplayOptions,
): Promise<ReplayReport> {
  const files = await journalFiles(directory);
  const skipped: string[] = [];
  let last = since;
  let changes = 0;
  let damaged: { readonly place: string; bytes: number } | undefined;
  const pass = (problem: string) => {
    if (!skipDamaged) throw new JournalDamagedError(`${problem}; --skip-damaged rebuilds without it`);
    skipped.push(problem);
  };
  for (const [index, first] of files.entries()) {
    const next = files[index + 1];
    if (next !== undefined && next <= since + 1) continue;
    const path = journalPath(directory, first);
    for (let from = FIRST_FRAME; ; ) {
      const part = await readPart(path, { from, to: Number.POSITIVE_INFINITY });
      for (const item of part.items) {
        if (item.kind === 'damage') {
          damaged = { place: `${path} at byte ${item.offset}`, bytes: item.bytes };
          continue;
        }
        const { sequence, changes: found } = item.frame;
        if (damaged) pass(`the journal is damaged: ${damaged.bytes} bytes of ${damaged.place}`);
        damaged = undefined;
        if (sequence + found.length - 1 <= last) continue;
        if (sequence > last + 1) pass(`the journal has no changes ${last + 1} to ${sequence - 1}`);
        apply(found.flatMap(({ rows }) => rows));
        changes += found.length;
        last = sequence + found.length - 1;
      }
      if (part.next <= from) break;
      from = part.next;
    }
  }
  return { changes, last, tornBytes: damaged?.bytes ?? 0, skipped };
}

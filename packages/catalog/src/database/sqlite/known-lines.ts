import type { Database, Statement } from 'better-sqlite3';
import { NO_BIRTH } from '../../listing/packed-layout.js';
import { prepared } from './prepared.js';

/**
 * The files of a directory as the catalog has them, each as the line that a listing would have of it
 * ({@link PackedEntry.line}). Nearly all files of a directory that changed are as they were: reading rows with 64-bit
 * numbers takes three times as long as reading this text, and comparing field by field three times as long as comparing
 * one string.
 */
export class KnownLines {
  readonly #select: Statement<[number, number], string | null>;

  constructor(database: Database) {
    const fields = [
      'mode',
      'uid << 32 | gid',
      'links',
      'inode',
      'size',
      'allocated',
      'mtime_ns',
      'ctime_ns',
      `coalesce(born_ns, ${NO_BIRTH})`,
      'coalesce(device, ?)',
      'lower(hex(name))',
    ];
    const format = `%08x${'%016x'.repeat(9)}%s`;
    this.#select = prepared<[number, number], string | null>(
      database,
      `SELECT group_concat(format('${format}', ${fields.join(', ')}), ' ') FROM files WHERE directory_id = ?`,
    ).pluck();
  }

  /** One line for each file of a directory; where a row names no device it is the directory's. */
  read(directory: number, directoryDevice: number): Set<string> {
    const text = this.#select.get(directoryDevice, directory);
    return new Set(text?.split(' '));
  }
}

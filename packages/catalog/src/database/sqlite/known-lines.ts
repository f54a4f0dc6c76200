import type { Database, Statement } from 'better-sqlite3';
import { nameFromBytes } from '../../byte-path.js';
import type { PackedEntry } from '../../listing/directory-listing.js';
import type { KnownFile } from './file-table.js';
import { prepared } from './prepared.js';

/** Fields of a line, separated by spaces, without the name: what a look at the file tells, then what only the catalog knows. */
const LOOK = [
  'mode',
  'uid',
  'gid',
  'links',
  "coalesce(device, '')",
  'inode',
  'size',
  'allocated',
  'mtime_ns',
  'ctime_ns',
  "coalesce(born_ns, '')",
] as const;

/**
 * The files of a directory as the catalog has them, one line of text each. Nearly all files of a directory that
 * changed are unchanged: comparing text and building objects only for lines that differ was measured at a third of
 * the time of reading rows (0.8 µs instead of 2.6 µs a file).
 */
export class KnownLines {
  readonly #select: Statement<[number], string | null>;

  constructor(database: Database) {
    const line = `hex(name) || ' ' || ${LOOK.join(" || ' ' || ")} || '|' || is_counted || '|' || coalesce(hex(fingerprint), '')`;
    this.#select = prepared<[number], string | null>(
      database,
      `SELECT group_concat(${line}, char(10)) FROM files WHERE directory_id = ?`,
    ).pluck();
  }

  /** Lines by the hexadecimal name that begins each. */
  read(directory: number): Map<string, string> {
    const lines = new Map<string, string>();
    const text = this.#select.get(directory);
    if (!text) return lines;
    for (const line of text.split('\n')) lines.set(line.slice(0, line.indexOf(' ')), line);
    return lines;
  }
}

/** Whether a line says just what a look at a file told. */
export function saysTheSame(line: string, entry: PackedEntry, directoryDevice: number): boolean {
  const { mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs, bornNs } = entry;
  const stored = device === directoryDevice ? '' : device;
  const look = `${mode} ${uid} ${gid} ${links} ${stored} ${inode} ${size} ${allocated} ${mtimeNs} ${ctimeNs} ${bornNs ?? ''}`;
  const start = line.indexOf(' ') + 1;
  return line.startsWith(look, start) && line[start + look.length] === '|';
}

/** The file that a line tells of. */
export function parseLine(line: string, directoryDevice: number): KnownFile {
  const [look = '', counted, fingerprint] = line.split('|');
  const [
    name = '',
    mode,
    uid,
    gid,
    links,
    device,
    inode = '',
    size,
    allocated,
    mtimeNs = '',
    ctimeNs = '',
    bornNs,
  ] = look.split(' ');
  return {
    name: nameFromBytes(Buffer.from(name, 'hex')),
    mode: Number(mode),
    uid: Number(uid),
    gid: Number(gid),
    links: Number(links),
    device: device ? Number(device) : directoryDevice,
    inode: BigInt(inode),
    size: Number(size),
    allocated: Number(allocated),
    mtimeNs: BigInt(mtimeNs),
    ctimeNs: BigInt(ctimeNs),
    bornNs: bornNs ? BigInt(bornNs) : null,
    isCounted: counted === '1',
    fingerprint: fingerprint ? Buffer.from(fingerprint, 'hex') : null,
  };
}

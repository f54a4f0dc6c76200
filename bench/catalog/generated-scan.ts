import type { Catalog } from '@filetracker/catalog';
import { type BytePath, childPath, nameFromBytes, parseBytePath, splitPath } from '@filetracker/catalog';
import { ListingWriter, type NameBytes } from '#catalog/listing/listing-writer.js';
import { StatFields } from '#catalog/listing/stat-fields.js';
import { seededRandom } from './tree.js';

/** Where the generated tree pretends to be. */
export const GENERATED_ROOT: BytePath = parseBytePath('/generated');

/** A tree that is only in the catalog. */
interface GeneratedTree {
  readonly files: number;
  readonly directories: number;
  /** 0 for the tree as it was at first; each later round gives another hundredth of the files another size. */
  readonly round: number;
}

const GIBIBYTE = 2 ** 30;
const SECOND = 1_000_000_000n;
const DAY = 86_400;
/** The directories were made in the three years before this, in seconds since 1970. */
const NEWEST = 1_790_000_000;
const UNCHANGING = { gid: 100, device: 2049, ctimeNs: 0n, bornNs: 0n };
const ENDINGS = ['dat', 'csv', 'json', 'log', 'h5'] as const;

/** How many people own the tree, from user number 1,000 on. */
const OWNERS = 7;
/** Who owns every ten thousandth file, in whoever's directory. */
export const GUEST = 99;

/** Records a scan of a generated tree, as a crawl of a disk with these files would: in seconds, without a disk. */
export async function recordGenerated(catalog: Catalog, tree: GeneratedTree): Promise<void> {
  const session = await catalog.beginScan({ root: GENERATED_ROOT, source: 'scan' });
  const full: Uint8Array[] = [];
  const writer = new ListingWriter((buffer) => full.push(buffer));
  const places = directoriesOf(tree);
  for (let at = 0; at < places.length; at++) {
    writeDirectory(writer, places, at, tree);
    for (const buffer of full.splice(0)) await session.record(buffer);
  }
  writer.flush();
  for (const buffer of full) await session.record(buffer);
  await session.finish();
}

interface Place {
  readonly path: BytePath;
  readonly children: NameBytes[];
}

/** Directories hang under random earlier ones, so that the depth reaches about 20. */
function directoriesOf({ directories, files }: GeneratedTree): readonly Place[] {
  const random = seededRandom(files);
  const places: Place[] = [{ path: GENERATED_ROOT, children: [] }];
  for (let n = 1; n < directories; n++) {
    const above = places[Math.floor(random() * places.length)] as Place;
    const name = nameBytes(`run-${n}`);
    above.children.push(name);
    places.push({ path: childPath(above.path, nameFromBytes(name.source)), children: [] });
  }
  return places;
}

function writeDirectory(
  writer: ListingWriter,
  places: readonly Place[],
  at: number,
  { files, round }: GeneratedTree,
): void {
  const stat = new StatFields();
  const place = places[at] as Place;
  const random = seededRandom(at);
  const uid = 1_000 + (at % OWNERS);
  // What lies in one directory was made within some days of it, by the same person.
  const made = NEWEST - Math.floor(random() * 3 * 365 * DAY);
  const own = { ...UNCHANGING, uid, mode: 0o040755, links: 2, size: 4096, allocated: 4096 };
  stat.set({ ...own, inode: BigInt(at + 2), mtimeNs: BigInt(made) * SECOND });
  writer.begin(place.path, stat);
  for (const name of place.children) writer.addDirectory(name);
  for (let n = at; n < files; n += places.length) {
    // Those that have changed in some round keep what that one made of them.
    const changed = n % 100 < round ? (n % 100) + 1 : 0;
    const isLink = n % 1_000 === 500;
    const size = isLink ? 20 : Math.floor(seededRandom(contentOf(n) + changed * files)() ** 8 * GIBIBYTE);
    const time = BigInt(made - Math.floor(random() * 10 * DAY) + changed) * SECOND;
    stat.set({
      ...UNCHANGING,
      mode: isLink ? 0o120777 : 0o100644,
      uid: n % 10_000 === 7_777 ? GUEST : uid,
      links: 1,
      inode: BigInt(places.length + n + 2),
      size,
      allocated: Math.ceil(size / 4096) * 4096,
      mtimeNs: time,
      ctimeNs: time,
    });
    writer.addFile(nameBytes(`sample_${n}.${ENDINGS[n % ENDINGS.length]}`), stat);
  }
  writer.end();
}

/**
 * The number of a file's content, from the number in its name: one file in fifty is a copy of its neighbour. None of
 * them changes in later rounds.
 */
export function contentOf(n: number): number {
  return n % 50 === 10 ? n - 1 : n;
}

/** A directory half way down, and a file in it. */
export function someDirectory(tree: GeneratedTree): BytePath {
  const places = directoriesOf(tree);
  const deep = places[Math.floor(places.length / 100)] as Place;
  return splitPath(deep.path)?.parent ?? deep.path;
}

function nameBytes(name: string): NameBytes {
  const source = Buffer.from(name);
  return { source, offset: 0, length: source.length };
}

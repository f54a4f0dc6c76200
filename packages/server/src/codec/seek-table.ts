/**
 * The zstd seekable format: after the last frame of content stands a skippable frame, which every zstd decoder
 * passes over, with the sizes of all frames. A reader finds a byte range from it without decompressing what
 * comes before. All numbers are little-endian and unsigned:
 *
 *     magic 0x184D2A5E : 4   length of what follows : 4
 *     for each frame:  compressed size : 4   size : 4
 *     number of frames : 4   descriptor, 0 : 1   magic 0x8F92EAB1 : 4
 *
 * https://github.com/facebook/zstd/blob/dev/contrib/seekable_format/zstd_seekable_compression_format.md
 */
const SKIPPABLE_MAGIC = 0x184d2a5e;
const SEEKABLE_MAGIC = 0x8f92eab1;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 8;

/** Length in bytes of the footer, from which {@link seekTableLength} tells the table's length. */
export const FOOTER_BYTES = 9;

/** Sizes of one frame in bytes. */
export interface FrameSize {
  readonly compressed: number;
  readonly plain: number;
}

/** A frame and where it lies. */
export interface Frame extends FrameSize {
  /** Offset in the stored file. */
  readonly position: number;
}

/** The skippable frame that closes a file of these frames. */
export function encodeSeekTable(frames: readonly FrameSize[]): Uint8Array {
  const table = Buffer.alloc(HEADER_BYTES + frames.length * ENTRY_BYTES + FOOTER_BYTES);
  table.writeUInt32LE(SKIPPABLE_MAGIC, 0);
  table.writeUInt32LE(table.length - HEADER_BYTES, 4);
  let offset = HEADER_BYTES;
  for (const frame of frames) {
    table.writeUInt32LE(frame.compressed, offset);
    table.writeUInt32LE(frame.plain, offset + 4);
    offset += ENTRY_BYTES;
  }
  table.writeUInt32LE(frames.length, offset);
  table.writeUInt32LE(SEEKABLE_MAGIC, offset + 5);
  return table;
}

/** Length of the whole seek table in bytes, from the file's last {@link FOOTER_BYTES} bytes. Throws if damaged. */
export function seekTableLength(footer: Buffer): number {
  if (footer.length !== FOOTER_BYTES || footer.readUInt32LE(5) !== SEEKABLE_MAGIC || footer[4] !== 0) {
    throw new Error('no seek table');
  }
  return HEADER_BYTES + footer.readUInt32LE(0) * ENTRY_BYTES + FOOTER_BYTES;
}

/**
 * Reads the seek table of a stored file.
 *
 * @param table the file's last {@link seekTableLength} bytes
 * @param storedSize length of the whole file in bytes
 * @param plainSize length of the content in bytes
 * @throws when the table does not describe a file of these sizes
 */
export function decodeSeekTable(table: Buffer, storedSize: number, plainSize: number): Frame[] {
  if (table.readUInt32LE(0) !== SKIPPABLE_MAGIC) throw new Error('no seek table');
  const frames: Frame[] = [];
  let position = 0;
  let plainTotal = 0;
  for (let offset = HEADER_BYTES; offset < table.length - FOOTER_BYTES; offset += ENTRY_BYTES) {
    const frame = { position, compressed: table.readUInt32LE(offset), plain: table.readUInt32LE(offset + 4) };
    frames.push(frame);
    position += frame.compressed;
    plainTotal += frame.plain;
  }
  if (position !== storedSize - table.length || plainTotal !== plainSize) {
    throw new Error('seek table does not match the sizes of the content');
  }
  return frames;
}

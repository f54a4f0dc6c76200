import { Readable } from 'node:stream';

/** The media type of a stream of JSON values, one a line. */
export const NDJSON = 'application/x-ndjson';

/**
 * A body of lines, from pages of what they say. A reader that does not keep up holds the pages back; a page that
 * fails cuts the connection, so that no part passes for the whole.
 */
export function linesOf<T>(pages: AsyncIterable<readonly T[]>, line: (item: T) => string): Readable {
  return Readable.from(textOf(pages, line), { objectMode: false, highWaterMark: 1 });
}

async function* textOf<T>(
  pages: AsyncIterable<readonly T[]>,
  line: (item: T) => string,
): AsyncGenerator<string> {
  for await (const page of pages) {
    let text = '';
    for (const item of page) text += `${line(item)}\n`;
    yield text;
  }
}

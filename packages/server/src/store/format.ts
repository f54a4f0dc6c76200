import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, writeAtomically } from '@filetracker/durable-fs';
import { StoreOpenError } from './errors.js';

/**
 * Version of the on-disk format. Format 1: `metadata/` as laid out in metadata/lmdb/records.ts; contents of up to
 * FRAME_BYTES as one zstd frame, longer ones as frames and a seek table.
 */
const FORMAT = 1;
/** What makes a directory a store. */
export const FORMAT_FILE = 'format.json';

/**
 * Makes sure that `root` is a store of this format. With `create` one is made in a directory that is missing or
 * empty. Throws {@link StoreOpenError}.
 */
export async function openFormat(root: string, options: { readonly create: boolean }): Promise<void> {
  if (options.create) makeDirectory(root);
  const text = await readFile(join(root, FORMAT_FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (text !== undefined) return checkFormat(root, text);
  if (!options.create)
    throw new StoreOpenError(`${root} is not a Filetracker store: it has no ${FORMAT_FILE}`);
  const others = (await readdir(root)).filter((entry) => entry !== 'lost+found' && !entry.endsWith('.tmp'));
  // Another server that starts at the same moment may have been faster.
  if (others.includes(FORMAT_FILE)) return openFormat(root, options);
  if (['links', 'blobs'].every((part) => others.includes(part))) {
    throw new StoreOpenError(
      `${root} is the directory of a Python filetracker server; choose another one, and store there what this one ` +
        'holds with "filetracker-migrate --from-python"',
    );
  }
  if (others.length > 0) {
    throw new StoreOpenError(
      `${root} is not a Filetracker store: it has no ${FORMAT_FILE}, but other files such as "${others[0]}"; ` +
        'choose an empty directory or one that does not exist',
    );
  }
  await createFormat(root);
}

/** Says that a directory holds a store of this format. */
export async function createFormat(root: string): Promise<void> {
  await writeAtomically(join(root, FORMAT_FILE), async (file) => {
    await file.write(`${JSON.stringify({ format: FORMAT })}\n`);
  });
}

function checkFormat(root: string, text: string): void {
  const format = formatOf(text);
  if (format === undefined) {
    throw new StoreOpenError(`${join(root, FORMAT_FILE)} is not the format file of a Filetracker store`);
  }
  if (format !== FORMAT) {
    throw new StoreOpenError(
      `${root} has store format ${format}, but this program knows format ${FORMAT} only; use a newer Filetracker`,
    );
  }
}

function formatOf(text: string): number | undefined {
  try {
    const { format } = JSON.parse(text) as { format?: unknown };
    return typeof format === 'number' ? format : undefined;
  } catch {
    return undefined;
  }
}

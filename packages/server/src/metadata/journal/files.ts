import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Path of the journal file that begins with a sequence. */
export function journalPath(directory: string, firstSequence: number): string {
  return join(directory, `${String(firstSequence).padStart(16, '0')}.log`);
}

/** First sequences of all journal files, in order. None when there is no such directory. */
export async function journalFiles(directory: string): Promise<readonly number[]> {
  let entries: string[];
  try {
    entries = await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
  return entries
    .filter((entry) => /^\d{16}\.log$/.test(entry))
    .map((entry) => Number.parseInt(entry, 10))
    .sort((a, b) => a - b);
}

import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Whether a directory is that of a server. Throws what keeps it from being looked into. */
export async function hasFormat(directory: string): Promise<boolean> {
  try {
    await stat(join(directory, 'format.json'));
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../output/failure.js';

/**
 * Throws {@link UsageError} for the directory of a Python filetracker 2.x server, which as a tree of files would be
 * stored blob by blob. It is known by `links/` beside a `blobs/<two digits>/<sha256>`: few other trees have that.
 */
export async function refusePythonDirectory(root: string): Promise<void> {
  if (!(await namesIn(root)).includes('links')) return;
  const blobs = join(root, 'blobs');
  for (const digits of await namesIn(blobs)) {
    if (!/^[0-9a-f]{2}$/.test(digits)) continue;
    const names = await namesIn(join(blobs, digits));
    if (!names.some((name) => /^[0-9a-f]{64}$/.test(name) && name.startsWith(digits))) continue;
    throw new UsageError(
      `${root} is the directory of a Python filetracker server: --from-python ${root} stores its files; to store ` +
        `the blobs themselves, give ${blobs} with --root ${root}`,
    );
  }
}

/** None of what is missing, is no directory, or cannot be read: that is told when the tree is read. */
function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => []);
}

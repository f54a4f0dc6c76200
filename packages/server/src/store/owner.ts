import { statSync } from 'node:fs';
import { join } from 'node:path';
import { StoreOpenError } from './errors.js';
import { FORMAT_FILE } from './format.js';

/**
 * Keeps root from changing the store of another user, whose server could not open afterwards what root has made in it.
 * Throws {@link StoreOpenError}, which says as whom to go on.
 */
export function refuseForeignOwner(root: string): void {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = statSync(join(root, FORMAT_FILE));
  if (uid === 0) return;
  throw new StoreOpenError(
    `${root} belongs to user ${uid}, who could not open what root changes in it; run this as that user, with ` +
      `"setpriv --reuid=${uid} --regid=${gid} --clear-groups" before the command, or give all of it to root with ` +
      `"chown -R 0:0 ${root}"`,
  );
}

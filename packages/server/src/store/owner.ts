import { statSync } from 'node:fs';
import { join } from 'node:path';
import { StoreOpenError } from './errors.js';
import { FORMAT_FILE } from './format.js';

/** Who owns a store. */
export interface StoreOwner {
  readonly uid: number;
  readonly gid: number;
}

/** The owner of a store, where that is another user and this is root; undefined otherwise. */
export function foreignOwner(root: string): StoreOwner | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const { uid, gid } = statSync(join(root, FORMAT_FILE));
  return uid === 0 ? undefined : { uid, gid };
}

/**
 * Keeps root from changing the store of another user, whose server could not open afterwards what root has made in it.
 * Throws {@link StoreOpenError}, which says as whom to go on.
 */
export function refuseForeignOwner(root: string): void {
  const owner = foreignOwner(root);
  if (!owner) return;
  const { uid, gid } = owner;
  throw new StoreOpenError(
    `${root} belongs to user ${uid}, who could not open what root changes in it; run this as that user, with ` +
      `"setpriv --reuid=${uid} --regid=${gid} --clear-groups" before the command, or give all of it to root with ` +
      `"chown -R 0:0 ${root}"`,
  );
}

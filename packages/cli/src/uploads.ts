import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { NameArgument } from '@filetracker/client';
import { UsageError } from './output/failure.js';

/** A local file and the name that it is to have in the store. */
export interface Upload {
  readonly file: string;
  readonly name: NameArgument;
}

/**
 * All files in and below a local directory, with names below one of the store; a plain file gets that name
 * itself. Links to files count as files; links to directories are not followed, as they may lead in circles.
 */
export async function* uploadsBelow(path: string, name: string): AsyncGenerator<Upload> {
  const found = await stat(path);
  if (found.isFile()) yield { file: path, name: { name } };
  else if (found.isDirectory()) yield* below(path, name);
  else throw new UsageError(`${path} is neither a file nor a directory`);
}

async function* below(directory: string, name: string): AsyncGenerator<Upload> {
  for await (const entry of await opendir(directory)) {
    const path = join(directory, entry.name);
    const inside = `${name}/${entry.name}`;
    if (entry.isDirectory()) yield* below(path, inside);
    else if (entry.isFile() || (entry.isSymbolicLink() && (await leadsToFile(path)))) {
      yield { file: path, name: { name: inside } };
    }
  }
}

async function leadsToFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

import { systemReason } from '../output/system-reason.js';

/** Writes a page to a file, whole or not at all. Throws an error that names the file. */
export async function writePage(path: string, page: string): Promise<void> {
  const { writeAtomically } = await import('@filetracker/durable-fs');
  try {
    await writeAtomically(path, (handle) => handle.writeFile(page));
  } catch (error) {
    throw new Error(`cannot write ${path}: ${systemReason(error)}`, { cause: error });
  }
}

import { type FileReport, readFile } from './file-reading.js';

/** What a thread of {@link FileInspector} does. */
export default function inspect(path: string): FileReport {
  return readFile(path);
}

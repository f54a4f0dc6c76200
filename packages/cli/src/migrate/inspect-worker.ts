import { type FileReport, readFile } from './file-reading.js';

/** What a thread of `FileInspector` does. */
export default function inspect(path: string): FileReport | undefined {
  return readFile(path);
}

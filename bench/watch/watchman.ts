import { execFileSync } from 'node:child_process';
import { residentMiB } from './started-watch.js';

const watchman = (...args: readonly string[]): Record<string, unknown> =>
  JSON.parse(execFileSync('watchman', args, { encoding: 'utf8', maxBuffer: 2 ** 30 })) as Record<
    string,
    unknown
  >;

/** Lets watchman follow a tree: seconds until it has read it, and its memory then. */
export function measureWatchman(root: string): { readonly seconds: number; readonly residentMiB: number } {
  try {
    const began = performance.now();
    watchman('watch', root);
    // Answered when the first crawl has ended.
    watchman('--no-pretty', 'clock', root);
    const seconds = (performance.now() - began) / 1000;
    const pid = Number(watchman('get-pid')['pid']);
    return { seconds, residentMiB: residentMiB(pid) };
  } finally {
    watchman('watch-del', root);
    watchman('shutdown-server');
  }
}

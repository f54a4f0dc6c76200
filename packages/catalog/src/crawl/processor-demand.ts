import { readdirSync, readFileSync } from 'node:fs';

/** Where Linux lists the threads of this process. */
const TASKS = '/proc/self/task';

/**
 * Tells how much of the processors the threads of this process wanted: what they used, and what other programs kept
 * them from using. Only what is wanted neither way was spent waiting, for the disk for example.
 */
export class ProcessorDemand {
  /** Of each thread, or of the process where threads tell nothing, the nanoseconds up to the last look. */
  #before = readTimes();

  /** Milliseconds of processor time that were wanted since the last look. */
  sinceLastLook(): number {
    const now = readTimes();
    let nanoseconds = 0;
    for (const [thread, time] of now) nanoseconds += time - (this.#before.get(thread) ?? 0);
    this.#before = now;
    return nanoseconds / 1e6;
  }
}

function readTimes(): Map<string, number> {
  const times = new Map<string, number>();
  for (const thread of threads()) {
    try {
      const [used, waited] = readFileSync(`${TASKS}/${thread}/schedstat`, 'latin1').split(' ');
      times.set(thread, Number(used) + Number(waited));
    } catch {
      // It has just ended, or this kernel keeps no such count.
    }
  }
  if (times.size > 0) return times;
  const { user, system } = process.cpuUsage();
  return times.set('process', (user + system) * 1000);
}

function threads(): readonly string[] {
  try {
    return readdirSync(TASKS);
  } catch {
    // Another system, or a container without /proc.
    return [];
  }
}

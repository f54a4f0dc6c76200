import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises';

/**
 * Stops a process (SIGSTOP) at a moment at which a condition holds, so that a fault hits exactly then. Where it went on
 * before the signal arrived, it is let go and the next such moment waited for. False when the process ended first.
 */
export async function stopWhen(child: ChildProcess, holds: () => boolean): Promise<boolean> {
  while (isAlive(child)) {
    if (holds() && (await stopIf(child, holds))) return true;
    await nextTurn();
  }
  return false;
}

/**
 * As {@link stopWhen}, for a condition that only a stopped process may be asked for, since what it looks at is torn while
 * the process writes: the process is stopped again and again after milliseconds of work.
 */
export async function stopAndLook(child: ChildProcess, holds: () => boolean): Promise<boolean> {
  while (isAlive(child)) {
    if (await stopIf(child, holds)) return true;
    await setTimeout(randomInt(1, 10));
  }
  return false;
}

const isAlive = ({ exitCode, signalCode }: ChildProcess) => exitCode === null && signalCode === null;

/** Stops a process, and lets it go again unless a condition holds then. */
async function stopIf(child: ChildProcess, holds: () => boolean): Promise<boolean> {
  child.kill('SIGSTOP');
  while (isRunning(child)) await nextTurn();
  if (!isAlive(child)) return false;
  if (holds()) return true;
  child.kill('SIGCONT');
  return false;
}

/** Whether a signal to stop has not been seen to yet. */
function isRunning(child: ChildProcess): boolean {
  if (!isAlive(child)) return false;
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  return !/^[TZX]$/.test(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '');
}

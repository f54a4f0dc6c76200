import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Stops a process (SIGSTOP) at a moment at which a condition holds, so that a fault hits exactly then. Where it went on
 * before the signal arrived, it is let go and the next such moment waited for. False when the process ended first.
 */
export async function stopWhen(child: ChildProcess, holds: () => boolean): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    if (holds()) {
      child.kill('SIGSTOP');
      while (isRunning(child)) await nextTurn();
      if (child.exitCode !== null) return false;
      if (holds()) return true;
      child.kill('SIGCONT');
    }
    await nextTurn();
  }
  return false;
}

/** Whether a signal to stop has not been seen to yet. */
function isRunning({ pid = 0, exitCode }: ChildProcess): boolean {
  if (exitCode !== null) return false;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return !/^[TZX]$/.test(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '');
}

import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

/**
 * Runs a module as a user who may start so many threads more than Node.js has by itself; returns what it prints. Needs
 * root, who is not bound so. The threads of all of a user's processes count, so it is one whom no other test takes.
 */
export function withThreads(more: number, script: string): string {
  const limited = `
    import { execFileSync } from 'node:child_process';
    import { readdirSync } from 'node:fs';
    import { stat } from 'node:fs/promises';
    process.setuid(${randomInt(20_000, 60_000)});
    // With it those come that Node.js starts when they are first needed.
    await stat('/');
    const most = readdirSync('/proc/self/task').length + ${more};
    execFileSync('prlimit', ['--pid', String(process.pid), '--nproc=' + most]);
    ${script}`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', limited], {
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
}

import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

/** Makes directories named `d`, each in the one before, so many levels deep, and removes them after the test. */
export function makeDeep(top: string, levels: number): void {
  onTestFinished(() => {
    // node:fs cannot remove such paths.
    execFileSync('rm', ['-rf', `${top}/d`]);
  });
  const program = `
    const { mkdirSync } = require('node:fs');
    for (let n = 0; n < ${levels}; n++) {
      mkdirSync('d');
      process.chdir('d');
    }`;
  execFileSync(process.execPath, ['-e', program], { cwd: top });
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { expect, it, onTestFinished } from 'vitest';
import { ProcessorDemand } from '#catalog/crawl/processor-demand.js';

/** Keeps this thread busy; resolves to the milliseconds that were wanted meanwhile, and that went by. */
function demandOfBusyThread(): { readonly wanted: number; readonly elapsed: number } {
  const demand = new ProcessorDemand();
  const start = performance.now();
  let now = start;
  while (now < start + 500) now = performance.now();
  return { wanted: demand.sinceLastLook(), elapsed: now - start };
}

/** A program that leaves nobody else a processor of its own; resolves when it has begun. */
async function busyProgram(): Promise<void> {
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("busy"); for (;;);'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
}

it('a thread that waits for nothing wants all of its time, also where other programs take the processors', async () => {
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, busyProgram));
  const { wanted, elapsed } = demandOfBusyThread();
  expect(wanted).toBeGreaterThan(0.9 * elapsed);
});

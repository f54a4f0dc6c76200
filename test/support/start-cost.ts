import { cpuTime } from './process-figures.js';
import { startForTest } from './server-command.js';

/** CPU time in milliseconds that a server takes to start: the least of several, since machines are shared. */
export async function startCost(directory: string): Promise<number> {
  const costs: number[] = [];
  for (let n = 0; n < 3; n++) {
    const server = await startForTest(directory);
    costs.push(cpuTime(server.child.pid ?? 0));
    await server.end();
  }
  return Math.min(...costs);
}

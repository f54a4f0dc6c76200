import { spawn } from 'node:child_process';

/** What a server in the background tells the command that started it. */
export type DaemonMessage = { readonly url: string } | { readonly failed: string };

/**
 * Starts this program again, detached from the terminal and without `--daemon`, and waits until it listens.
 * Resolves with its URL and process id; rejects with its reason when it does not come up.
 */
export function startDaemon(argv: readonly string[]): Promise<{ url: string; pid: number | undefined }> {
  const script = process.argv[1] ?? '';
  const rest = argv.filter((argument) => argument !== '--daemon');
  const child = spawn(process.execPath, [script, ...rest], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('message', (message: DaemonMessage) => {
      if ('failed' in message) {
        reject(new Error(message.failed));
        return;
      }
      child.disconnect();
      child.unref();
      resolve({ url: message.url, pid: child.pid });
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the server ended with exit code ${code}`)));
  });
}

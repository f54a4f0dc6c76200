import { systemMessage } from './system-message.js';

/** What the operating system says of a call that failed, without the code, the call and the path: "permission denied". */
export function systemReason(error: unknown): string {
  const message = error instanceof Error ? systemMessage(error) : String(error);
  return message.replace(/^E[A-Z0-9]+: (.*?), .*$/s, '$1');
}

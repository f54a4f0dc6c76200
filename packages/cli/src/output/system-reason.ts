/** What the operating system says of a call that failed, without the code, the call and the path: "permission denied". */
export function systemReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^E[A-Z0-9]+: (.*?), .*$/s, '$1');
}

/** What this process takes of the machine, in the text format of Prometheus, under the names that are usual there. */
export function processExposition(): string {
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return [
    ...metric('process_cpu_seconds_total', 'counter', 'CPU time taken.', (user + system) / 1e6),
    ...metric('process_resident_memory_bytes', 'gauge', 'Resident memory.', rss),
    ...metric('nodejs_heap_size_used_bytes', 'gauge', 'Memory of JavaScript objects in use.', heapUsed),
    ...metric(
      'nodejs_external_memory_bytes',
      'gauge',
      'Memory outside of that heap that objects hold.',
      external,
    ),
    '',
  ].join('\n');
}

function metric(name: string, type: 'counter' | 'gauge', help: string, value: number): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name} ${value}`];
}

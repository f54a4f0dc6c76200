import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The most memory that a process has had resident so far, in MiB. */
export function peakMemory(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) / 1024;
}

/** CPU time that a process has used so far, in milliseconds: unlike elapsed time, its own doing. */
export function cpuTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  // User and system time, fields 14 and 15 of proc(5), in hundredths of a second.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The memory that a process has resident now, in MiB. */
export function residentMemory(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) / 1024;
}

/** How much of a file that a process maps it has looked at and is still in memory, in MiB. */
export function mappedPart(pid: number, path: string): number {
  const mappings = readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const ofFile = mappings.filter((mapping) => mapping.split('\n')[0]?.endsWith(` ${path}`));
  const kibibytes = ofFile.map((mapping) => Number(/^Rss:\s+(\d+) kB$/m.exec(mapping)?.[1]));
  if (kibibytes.length === 0) throw new Error(`process ${pid} does not map ${path}`);
  return kibibytes.reduce((sum, part) => sum + part) / 1024;
}

/** The processes that a process has started, such as the workers of a server. */
export function childrenOf(pid: number | undefined): number[] {
  return execFileSync('pgrep', ['-P', String(pid)])
    .toString()
    .trim()
    .split('\n')
    .map(Number);
}

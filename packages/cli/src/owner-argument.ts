import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';

/** Reads a user's name or number. */
export function parseUser(text: string): number {
  return ownerNumber(text, '/etc/passwd', 'user');
}

/** Reads a group's name or number. */
export function parseGroup(text: string): number {
  return ownerNumber(text, '/etc/group', 'group');
}

/** Names of this machine's users by their numbers. Users whom only a directory service knows are not among them. */
export function userNames(): ReadonlyMap<number, string> {
  return new Map(readNames('/etc/passwd').map(([name, number]) => [number, name]));
}

function ownerNumber(text: string, file: string, what: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const found = readNames(file).find(([name]) => name === text);
  if (!found) throw new InvalidArgumentError(`It must be a number or a ${what} in ${file}.`);
  return found[1];
}

function readNames(file: string): (readonly [name: string, number: number])[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .flatMap(([name, , number]) => (name && number ? [[name, Number(number)] as const] : []));
  } catch {
    return [];
  }
}

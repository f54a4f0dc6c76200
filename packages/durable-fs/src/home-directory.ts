import { homedir } from 'node:os';

/**
 * The user's home. `/` for one whom the system does not know and without `$HOME`, as in a service with `DynamicUser=` where
 * nothing resolves its name: such programs are told all places by flags, and begin before these are read.
 */
export function homeDirectory(): string {
  try {
    return homedir();
  } catch {
    // There is no other reason to fail.
    return '/';
  }
}

import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where commands keep what they can do without: `$XDG_CACHE_HOME/filetracker` or `~/.cache/filetracker`. */
export function cacheHome(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'filetracker');
}

import { join } from 'node:path';
import { homeDirectory } from '@filetracker/durable-fs/home-directory';

/** Where commands keep what they can do without: `$XDG_CACHE_HOME/filetracker` or `~/.cache/filetracker`. */
export function cacheHome(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homeDirectory(), '.cache'), 'filetracker');
}

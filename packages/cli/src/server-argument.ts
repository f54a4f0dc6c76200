import { openRemoteStore, type RemoteDataStore } from '@filetracker/client';
import type { CommandContext } from './context.js';
import { UsageError } from './output/failure.js';
import { type AccessFlags, accessSettings } from './store-options.js';
import { optimizeParserLate } from './wasm-tiering.js';

/**
 * The server that an argument or the environment names.
 *
 * @param instead what may be given in the place of a server, for the {@link UsageError} where there is none
 */
export async function openServer(
  { output }: CommandContext,
  url: string | undefined,
  flags: AccessFlags,
  instead: string,
): Promise<RemoteDataStore> {
  await optimizeParserLate();
  const store = openRemoteStore({
    ...(url !== undefined && { remoteUrl: url }),
    ...accessSettings(flags),
    onWarning: (message) => output.warn(message),
  });
  if (!store) throw new UsageError(`give the URL of a server, or ${instead}`);
  return store;
}

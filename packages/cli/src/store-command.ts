import type { FileTrackerClient, NameArgument } from '@filetracker/client';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from './context.js';
import { storeSettings } from './store-options.js';
import { optimizeParserLate } from './wasm-tiering.js';

/** Runs an action of a store command with a client for the store that the flags in front of it name. */
export async function withClient<T>(
  { output }: CommandContext,
  command: Command,
  action: (client: FileTrackerClient) => Promise<T>,
): Promise<T> {
  // Loaded here and not above: it takes 60 ms, which `--help` and other commands need not wait for.
  const { FileTrackerClient } = await import('@filetracker/client');
  await optimizeParserLate();
  const client = new FileTrackerClient({
    ...storeSettings(command),
    onWarning: (message) => output.warn(message),
    onRequest: ({ method, url, status, duration }) =>
      output.detail(`${method} ${url} ${status ?? 'failed'} ${duration.toFixed(1)} ms`),
  });
  try {
    return await action(client);
  } finally {
    await client.close();
  }
}

/** `--version`: a version in seconds since 1970, or `newest`; either way the name is taken as it stands. */
export function versionOption(): Option {
  return new Option(
    '--version <version>',
    'this version, or "newest"; NAME may then end in @ and digits itself',
  )
    .argParser((text: string) => {
      if (text !== 'newest' && !/^\d+$/.test(text)) {
        throw new InvalidArgumentError('It must be whole seconds since 1970, or "newest".');
      }
      return text;
    })
    .conflicts('recursive');
}

/** The file that a name and `--version` mean. */
export function nameArgument(name: string, version: string | undefined): NameArgument {
  if (version === undefined) return name;
  return version === 'newest' ? { name } : { name, version: Number(version) };
}

/** Starts a subcommand of the store with an example below its help. */
export function storeCommand(name: string, description: string, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  ${example}`).join('\n');
  return new Command(name).description(description).addHelpText('after', `\nExamples:\n${lines}`);
}

import { parseDuration as secondsOf } from '@filetracker/protocol';
import { InvalidArgumentError, Option } from 'commander';

/** Reads a time span, `200ms`, `2s`, `1.5h`, as milliseconds. */
export function parseDuration(text: string): number {
  const seconds = secondsOf(text);
  if (seconds === undefined) {
    throw new InvalidArgumentError('It must be a time span such as 200ms, 2s, 10m or 24h.');
  }
  return seconds * 1000;
}

/** An option that takes a time span and has a default, which is written as on the command line. */
export function durationOption(flags: string, description: string, preset: string): Option {
  return new Option(flags, description).argParser(parseDuration).default(parseDuration(preset), preset);
}

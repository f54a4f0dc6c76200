import { createRequire } from 'node:module';
import type { Dispatcher, Agent as UndiciAgent, errors as undiciErrors } from 'undici';

/*
 * The parts of undici that requests need: loading all of it, with its fetch and web sockets, takes 100 ms of the
 * processor's time, these 40. Every command pays that.
 */
const load = createRequire(import.meta.url);

/** Connections kept open to servers. */
export const Agent = load('undici/lib/dispatcher/agent.js') as typeof UndiciAgent;
export type Agent = UndiciAgent;

/** A connection that broke. */
export const { SocketError } = load('undici/lib/core/errors.js') as typeof undiciErrors;

const send = load('undici/lib/api/api-request.js') as (
  this: Dispatcher,
  options: Dispatcher.RequestOptions,
) => Promise<Dispatcher.ResponseData>;

/** undici's `request`: sends a request through connections of an agent. */
export function request(
  agent: Agent,
  url: string,
  options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'>,
): Promise<Dispatcher.ResponseData> {
  const { origin, pathname, search } = new URL(url);
  return send.call(agent, { ...options, origin, path: `${pathname}${search}` });
}

import type { Dispatcher, Agent as UndiciAgent, errors as undiciErrors } from 'undici';
/*
 * The parts of undici that requests need: loading all of it, with its fetch and web sockets, takes 100 ms of the
 * processor's time, these 40. Every command pays that.
 */
import send from 'undici/lib/api/api-request.js';
import errors from 'undici/lib/core/errors.js';
import agent from 'undici/lib/dispatcher/agent.js';

/** Connections kept open to servers. */
export const Agent: typeof UndiciAgent = agent;
export type Agent = UndiciAgent;

/** A connection that broke. */
export const { SocketError }: typeof undiciErrors = errors;

/** undici's `request`: sends a request through connections of an agent. */
export function request(
  agent: Agent,
  url: string,
  options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'>,
): Promise<Dispatcher.ResponseData> {
  const { origin, pathname, search } = new URL(url);
  return send.call(agent, { ...options, origin, path: `${pathname}${search}` });
}

import { type FileName, ProtocolError, parseDirectoryName, parseFileName } from '@filetracker/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { allows, covers, type Grant, type Permission } from '../access/grant.js';
import type { Tokens } from '../access/tokens.js';
import { pathBehind } from './request-target.js';

/** What a request is about: one file, the files of a directory or those in its body, or the whole store. */
type Scope = 'file' | 'directory' | 'body' | 'store';

/**
 * What each route needs; all methods that change something need `write` besides. A route that is not listed is open
 * to admins only.
 */
const ROUTES: Readonly<Record<string, Scope | 'open'>> = {
  '/version': 'open',
  '/healthz': 'open',
  '/openapi.json': 'open',
  '/files/*': 'file',
  '/versions/*': 'file',
  '/list': 'directory',
  '/list/*': 'directory',
  '/upload': 'body',
  '/batch': 'body',
  '/changes': 'store',
  '/status': 'store',
  '/metrics': 'store',
};

const CHALLENGE = 'Bearer realm="filetracker", Basic realm="filetracker"';

const grants = new WeakMap<FastifyRequest, Grant>();

/**
 * Refuses a digest in the place of a content to a sender who may not read every file: it would find out that others
 * have stored that content, or get at it. Throws `ProtocolError` `content_missing`, after which clients send it.
 */
export function authorizeDigestAlone(request: FastifyRequest): void {
  const grant = grants.get(request);
  if (!grant || (grant.prefix === '' && allows(grant, 'read'))) return;
  throw new ProtocolError(
    'content_missing',
    'the token is not good for contents of others; send the content',
  );
}

/** Refuses a name that came in the body of a request. Throws `ProtocolError` `forbidden`. */
export function authorizeName(request: FastifyRequest, name: FileName): void {
  const grant = grants.get(request);
  if (grant && !covers(grant, name)) throw notCovered(grant);
}

/** A hook that lets only those requests pass that a token allows. */
export function authorizeBy(tokens: Tokens) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    authorize(request, reply, tokens);
}

function authorize(request: FastifyRequest, reply: FastifyReply, tokens: Tokens): void {
  const { url } = request.routeOptions;
  // What is no route at all is refused as such.
  if (url === undefined) return;
  const scope = ROUTES[url];
  if (scope === 'open') return;
  const token = tokenOf(request.headers.authorization);
  const grant = token === undefined ? undefined : tokens.find(token);
  if (grant === undefined) {
    reply.header('WWW-Authenticate', CHALLENGE);
    throw new ProtocolError(
      'unauthorized',
      token === undefined ? 'this server wants a token' : 'the token is not valid here',
    );
  }
  const permission = permissionFor(request.method, scope);
  if (!allows(grant, permission)) {
    throw new ProtocolError('forbidden', `the token has no permission to ${VERBS[permission]}`);
  }
  if (!isCovered(request, scope, grant)) throw notCovered(grant);
  grants.set(request, grant);
}

function notCovered({ prefix }: Grant): ProtocolError {
  return new ProtocolError('forbidden', `the token is good for "/${prefix}" only`);
}

const VERBS: Readonly<Record<Permission, string>> = {
  read: 'read',
  write: 'write',
  admin: 'administer the server',
};

function permissionFor(method: string, scope: Scope | undefined): Permission {
  if (scope === undefined) return 'admin';
  return method === 'GET' || method === 'HEAD' ? 'read' : 'write';
}

function isCovered(request: FastifyRequest, scope: Scope | undefined, grant: Grant): boolean {
  switch (scope) {
    case 'file':
      return covers(grant, parseFileName(pathOf(request)));
    case 'directory':
      return covers(grant, parseDirectoryName(pathOf(request)));
    case 'body':
      // Its names come one by one; see authorizeName.
      return true;
    case 'store':
    case undefined:
      return grant.prefix === '';
  }
}

function pathOf({ routeOptions, url }: FastifyRequest): string {
  return pathBehind((routeOptions.url ?? '').replace('/*', ''), url);
}

/**
 * The token in an `Authorization` header: a bearer token, or the password of the Basic scheme under any user name,
 * which is what clients send that know nothing of tokens but take `http://user:token@host`.
 */
function tokenOf(header: string | undefined): string | undefined {
  const [, scheme, value = ''] = /^(Bearer|Basic) +(\S+) *$/i.exec(header ?? '') ?? [];
  if (scheme === undefined) return undefined;
  if (scheme.toLowerCase() === 'bearer') return value;
  return /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString())?.[1];
}

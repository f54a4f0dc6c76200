import type { RequestListener } from 'node:http';
import { type FileName, parseFileName } from '@filetracker/protocol';
import type { Logger } from 'pino';
import type { FileStore } from '../store/file-store.js';
import { sendFile } from './file-reply.js';
import { planRead } from './read-plan.js';
import { pathBehind } from './request-target.js';

const PREFIX = '/files/';

/**
 * Answers GETs of files before Fastify sees them, where no hook of the application has a say in them. Whatever is
 * not just that, and whatever fails, goes to `routing`, which does it from the start and finds the words for errors.
 * Fastify's way to a route and back takes a third of the time of a GET of 4 KiB: with it such GETs reach 0.74 of the
 * rate of a bare Fastify route that sends 4 KiB from memory, without it 0.84.
 */
export function readDirectly(routing: RequestListener, store: FileStore, logger: Logger): RequestListener {
  return (request, response) => {
    const { method = '', url = '', headers } = request;
    const name = method === 'GET' ? plainName(url) : undefined;
    if (name === undefined) {
      routing(request, response);
      return;
    }
    store
      .open(name, (file) => planRead(file, method, headers))
      .then(
        (opened) => sendFile(request, response, opened, logger),
        () => routing(request, response),
      );
  };
}

/** The file that a target names without any parameter; `undefined` where the routes must have a look. */
function plainName(url: string): FileName | undefined {
  if (!url.startsWith(PREFIX) || url.includes('?') || url.includes('//')) return undefined;
  try {
    return parseFileName(pathBehind(PREFIX, url));
  } catch {
    return undefined;
  }
}

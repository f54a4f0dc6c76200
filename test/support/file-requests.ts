import { formatDate, toVersion } from '@filetracker/protocol';
import { type Endpoint, type RawReply, rawRequest } from './raw-http.js';

/** The request target of a stored file; with a version, as uploads and deletions name it. */
export function fileTarget(name: string, version?: number): string {
  const path = `/files/${name.split('/').map(encodeURIComponent).join('/')}`;
  return version === undefined
    ? path
    : `${path}?last_modified=${encodeURIComponent(formatDate(toVersion(version)))}`;
}

/** A file that is to be uploaded. */
export interface Upload {
  readonly name: string;
  readonly version: number;
  readonly content: Uint8Array;
  readonly headers?: readonly (readonly [string, string])[];
}

export function putFile(port: Endpoint, { name, version, content, headers = [] }: Upload): Promise<RawReply> {
  return rawRequest(port, {
    method: 'PUT',
    target: fileTarget(name, version),
    headers: [['Content-Length', String(content.byteLength)], ...headers],
    body: content,
  });
}

export function getFile(port: Endpoint, name: string): Promise<RawReply> {
  return rawRequest(port, { method: 'GET', target: fileTarget(name) });
}

export function deleteFile(port: Endpoint, name: string, version: number): Promise<RawReply> {
  return rawRequest(port, { method: 'DELETE', target: fileTarget(name, version) });
}

/** What `GET /status` says of the store itself; the rest of it changes by itself. */
export interface StoreTotals {
  readonly files: number;
  readonly contents: number;
  readonly logical_bytes: number;
  readonly content_bytes: number;
  readonly stored_bytes: number;
  readonly garbage_contents: number;
}

export async function storeTotals(port: Endpoint): Promise<StoreTotals> {
  const reply = await rawRequest(port, { method: 'GET', target: '/status' });
  const { files, contents, logical_bytes, content_bytes, stored_bytes, garbage_contents } = JSON.parse(
    reply.body.toString(),
  ) as StoreTotals;
  return { files, contents, logical_bytes, content_bytes, stored_bytes, garbage_contents };
}

import { describe, expect, it } from 'vitest';
import { type RawReply, rawRequest } from '../support/raw-http.js';
import { suiteServer } from '../support/suite-server.js';

const server = suiteServer();
const OPT_IN = { 'Filetracker-Protocol': '3' };

function refusal(target: string, headers: Readonly<Record<string, string>>): Promise<RawReply> {
  return rawRequest(server.port, { method: 'GET', target, headers: Object.entries(headers) });
}

describe('an error', () => {
  it.each([
    ['to a client of protocol 3', OPT_IN],
    ['to one that asks for JSON', { Accept: 'application/json' }],
    ['to one that asks for JSON and takes anything', { Accept: 'application/json, text/plain, */*' }],
  ])('is JSON %s', async (_, headers) => {
    const reply = await refusal('/files/%C5%BC%C3%B3%C5%82w', headers);
    expect(reply.status).toBe(404);
    expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(JSON.parse(reply.body.toString())).toEqual({
      code: 'not_found',
      message: 'there is no file "/żółw"',
    });
    expect(reply.headers.get('x-exception')).toBe('there is no file "/%C5%BC%C3%B3%C5%82w"');
  });

  it.each([
    ['to a client of protocol 2', {}],
    ['to one that takes anything', { Accept: '*/*' }],
    ['to one that prefers text', { Accept: 'text/plain, application/json;q=0.5' }],
    ['to one that refuses JSON', { Accept: 'application/json;q=0' }],
  ])('is text %s', async (_, headers) => {
    const reply = await refusal('/files/nothing', headers);
    expect(reply.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(reply.body.toString()).toBe('there is no file "/nothing"\n');
  });

  it.each([
    ['an unknown endpoint', '/elsewhere', 400, 'unknown_endpoint'],
    ['a name that breaks a rule', '/files/a/../b', 400, 'invalid_name'],
    ['what is no directory', '/list/nothing', 400, 'not_a_directory'],
    ['what cannot be decoded', '/files/%FF', 400, 'invalid_name'],
  ])('names its code: %s', async (_, target, status, code) => {
    const reply = await refusal(target, OPT_IN);
    expect(reply.status).toBe(status);
    expect(JSON.parse(reply.body.toString())).toMatchObject({ code });
    expect(reply.headers.get('filetracker-protocol')).toBe('3');
  });
});

describe('a reply of protocol 3', () => {
  it.each(['/version', '/status', '/list', '/files/nothing'])('says so: %s', async (target) => {
    expect((await refusal(target, OPT_IN)).headers.get('filetracker-protocol')).toBe('3');
    expect((await refusal(target, {})).headers.has('filetracker-protocol')).toBe(false);
  });
});

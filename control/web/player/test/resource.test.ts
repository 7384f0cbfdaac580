import { type IncomingMessage, type Server, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Resource } from '../src/resource';

/** A WHEP endpoint that remembers what it was asked. */
let server: Server;
let url: string;
let asked: { line: string; headers: IncomingMessage['headers']; body: string }[];
let answer: { status: number; headers: Record<string, string>; body: string };

beforeEach(async () => {
  asked = [];
  answer = {
    status: 201,
    headers: {
      Location: '/whep/s/abc',
      ETag: '"1"',
      'Content-Type': 'application/sdp',
      Link: '<stun:stun.example.net>; rel="ice-server", <abc/layer>; rel="urn:ietf:params:whep:ext:core:layer"',
    },
    body: 'v=0\r\n',
  };
  server = createServer((request, response) => {
    let body = '';
    request.on('data', part => (body += String(part)));
    request.on('end', () => {
      asked.push({ line: `${request.method ?? ''} ${request.url ?? ''}`, headers: request.headers, body });
      if (request.url === '/moved') {
        response.writeHead(307, { Location: '/whep/s' }).end();
      } else if (request.url === '/elsewhere') {
        response.writeHead(307, { Location: `${url.replace('127.0.0.1', 'localhost')}/keyed` }).end();
      } else if (request.url === '/keyed' && request.headers.authorization !== 'Bearer token') {
        response.writeHead(401).end();
      } else if (request.method === 'PATCH') {
        response.writeHead(204, { ETag: '"2"' }).end();
      } else if (request.method === 'GET') {
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"active":"h","layers":[]}');
      } else if (request.method === 'DELETE') {
        response.writeHead(200).end();
      } else {
        response.writeHead(answer.status, answer.headers).end(answer.body);
      }
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
});

const signal = new AbortController().signal;

test('a session from offer to end', async () => {
  const resource = await Resource.open(`${url}/whep/s`, 'v=0 offer', 'token', signal);
  expect(resource.url).toBe(`${url}/whep/s/abc`);
  expect(resource.sdp).toBe('v=0\r\n');
  expect(resource.iceServers).toEqual([{ urls: 'stun:stun.example.net' }]);
  await resource.trickle('a=candidate:1', signal);
  await resource.trickle('a=candidate:2', signal);
  expect(await resource.get('layer', signal)).toEqual({ active: 'h', layers: [] });
  await resource.end();

  expect(asked.map(a => a.line)).toEqual([
    'POST /whep/s',
    'PATCH /whep/s/abc',
    'PATCH /whep/s/abc',
    'GET /whep/s/abc/layer',
    'DELETE /whep/s/abc',
  ]);
  expect(asked.every(a => a.headers.authorization === 'Bearer token')).toBe(true);
  expect(asked[0]).toMatchObject({ headers: { 'content-type': 'application/sdp' }, body: 'v=0 offer' });
  expect(asked.slice(1, 3).map(a => a.headers['if-match'])).toEqual(['"1"', '"2"']);
});

test('a redirect is followed with its body, and the session lives where it led', async () => {
  const resource = await Resource.open(`${url}/moved`, 'v=0 offer', '', signal);
  expect(resource.url).toBe(`${url}/whep/s/abc`);
  expect(asked.at(-1)?.body).toBe('v=0 offer');
  expect(asked[0]?.headers.authorization).toBeUndefined();
});

test('the bearer does not follow a redirect to another host: the address says all that is to be known there', async () => {
  await Resource.open(`${url}/elsewhere`, 'v=0 offer', 'token', signal).catch(() => {});
  expect(asked.map(a => a.headers.authorization)).toEqual(['Bearer token', undefined]);
});

test('what is said to a session needs no leave of the browser: its address says all', async () => {
  const resource = await Resource.open(`${url}/whep/s`, 'v=0 offer', 'token', signal);
  answer = { status: 204, headers: {}, body: '' };
  await resource.say('play', 1000, signal);
  expect(asked.at(-1)).toMatchObject({ line: 'POST /whep/s/abc/play', body: '' });
  expect(asked.at(-1)?.headers).not.toHaveProperty('authorization');
  expect(asked.at(-1)?.headers).not.toHaveProperty('content-type');
  answer = { status: 429, headers: { 'Retry-After': '1' }, body: '' };
  await expect(resource.say('play', 1000, signal)).rejects.toMatchObject({ status: 429 });
});

test('a wrong key is not sent twice', async () => {
  answer = { status: 401, headers: {}, body: '' };
  await expect(Resource.open(`${url}/whep/s`, 'v=0', 'wrong', signal)).rejects.toMatchObject({ status: 401 });
  expect(asked).toHaveLength(1);
});

test.each([
  ['no Location', { status: 201, headers: {}, body: 'v=0\r\n' }, 'answer'],
  ['no SDP', { status: 201, headers: { Location: '/x' }, body: '<html>' }, 'answer'],
  ['200 in place of 201', { status: 200, headers: { Location: '/x' }, body: 'v=0' }, 'status-200'],
  [
    'a problem',
    {
      status: 409,
      headers: { 'Content-Type': 'application/problem+json' },
      body: '{"type":"/problems/not-live","title":"Not on the air"}',
    },
    'not-live',
  ],
])('%s is an error', async (_, given, kind) => {
  answer = given;
  await expect(Resource.open(`${url}/whep/s`, 'v=0', '', signal)).rejects.toMatchObject({ kind });
});

test('the end of a session never throws', async () => {
  const resource = await Resource.open(`${url}/whep/s`, 'v=0', '', signal);
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
  await expect(resource.end()).resolves.toBeUndefined();
});

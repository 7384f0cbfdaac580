import { expect, test } from 'vitest';
import { asProblem, links, problemOf, retryAfterMS } from '../src/problem';

test('a problem of the server is read with all that it says', async () => {
  const body = {
    type: '/problems/full',
    title: 'Edge is full',
    status: 503,
    detail: 'no room',
    instance: '/problems/log/1',
  };
  const response = new Response(JSON.stringify(body), {
    status: 503,
    headers: {
      'Content-Type': 'application/problem+json',
      'Retry-After': '2',
      Link: '<https://edge-2.example/whep/s>; rel="alternate"',
    },
  });
  expect(await problemOf(response)).toMatchObject({
    kind: 'full',
    status: 503,
    title: 'Edge is full',
    detail: 'no room',
    more: { instance: '/problems/log/1', retryAfterMS: 2000, alternate: 'https://edge-2.example/whep/s' },
  });
});

test.each([
  [
    'text of a proxy',
    new Response('<h1>Bad gateway</h1>', { status: 502, statusText: 'Bad Gateway' }),
    'status-502',
    '502 Bad Gateway',
  ],
  [
    'broken JSON',
    new Response('{"type":', { status: 500, headers: { 'Content-Type': 'application/json' } }),
    'status-500',
    '500',
  ],
  [
    'JSON that is no object',
    new Response('7', { status: 400, headers: { 'Content-Type': 'application/json' } }),
    'status-400',
    '400',
  ],
  [
    'members of the wrong type',
    new Response('{"type":5,"title":[]}', { status: 400, headers: { 'Content-Type': 'application/json' } }),
    'status-400',
    '400',
  ],
])('%s gives a problem by its status', async (_, response, kind, title) => {
  const problem = await problemOf(response);
  expect([problem.kind, problem.title]).toEqual([kind, title]);
});

test.each([
  ['2', 2000],
  ['0', 0],
  ['86400', 300_000],
  ['Tue, 24 Nov 2026 12:00:10 GMT', 10_000],
  ['Tue, 24 Nov 2026 11:00:00 GMT', 0],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
])('Retry-After %s is %s ms', (header, ms) => {
  expect(retryAfterMS(header, Date.parse('2026-11-24T12:00:00Z'))).toBe(ms);
});

test('links: several, quoted, relative, and ICE servers', () => {
  const header =
    '<layer>; rel="urn:ietf:params:whep:ext:core:layer", ' +
    '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="a;b,c"; credential=secret, <::>; rel=x';
  expect(links(header, 'https://edge.example/whep/s/1/')).toMatchObject([
    { url: 'https://edge.example/whep/s/1/layer', rel: 'urn:ietf:params:whep:ext:core:layer' },
    {
      url: 'turn:turn.example.net?transport=udp',
      rel: 'ice-server',
      parameters: { username: 'a;b,c', credential: 'secret' },
    },
    { rel: 'x' },
  ]);
  expect(links(null, '')).toEqual([]);
});

test('what fetch throws becomes a problem with a kind', () => {
  expect(asProblem(new TypeError('Failed to fetch')).kind).toBe('unreachable');
  expect(asProblem(new DOMException('late', 'TimeoutError')).kind).toBe('timeout');
  expect(asProblem(new Error('odd')).kind).toBe('media');
  expect(asProblem('odd').kind).toBe('media');
});

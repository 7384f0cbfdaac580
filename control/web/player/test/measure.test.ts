/** Edges that answer late, wrongly or not at all cost a viewer a fraction of a second at most. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Edges } from '../src/edges';
import { measure } from '../src/measure';
import { joined, probesOf } from '../src/source';

/** After how many ms an edge answers; undefined: never. A string is an error at once. */
let edges: Record<string, number | undefined | string> = {};
/** How control answers joins, in turn; the last one answers all that follow. */
let answers: (() => Promise<Response> | Response)[] = [];
let asked: { body: unknown; bearer: string | null }[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  // The real one counts by a clock that tests cannot turn.
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(ms => {
    const over = new AbortController();
    setTimeout(() => {
      over.abort();
    }, ms);
    return over.signal;
  });
  asked = [];
  vi.stubGlobal('fetch', async (url: string | URL, init: RequestInit) => {
    const at = new URL(url);
    if (at.pathname !== '/rtt') {
      asked.push({
        body: JSON.parse(init.body as string) as unknown,
        bearer: new Headers(init.headers).get('Authorization'),
      });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return await raced(Promise.resolve(answer?.() ?? Response.error()), init.signal);
    }
    const takes = edges[at.hostname];
    if (typeof takes === 'string') throw new TypeError(takes);
    await raced(after(takes), init.signal);
    return new Response(null, { status: 204 });
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function after(ms: number | undefined): Promise<void> {
  return new Promise(resolve => {
    if (ms !== undefined) setTimeout(resolve, ms);
  });
}

function raced<T>(what: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => {
      reject(new DOMException('aborted', 'AbortError'));
    });
    what.then(resolve, reject);
  });
}

const probesTo = (nodes: string[]) => nodes.map(node => ({ node, url: `https://${node}/rtt` }));
const never = new AbortController().signal;

/** What became of a promise, and after how many ms. */
async function timed<T>(what: Promise<T>): Promise<{ value: T; ms: number }> {
  const began = performance.now();
  const done = what.then(value => ({ value, ms: performance.now() - began }));
  await vi.advanceTimersByTimeAsync(1000);
  return done;
}

test('who answers is known, and nobody waits for the far ones', async () => {
  edges = { near: 20, next: 50, far: 90, dead: undefined, refused: 'no' };
  const { value, ms } = await timed(measure(probesTo(Object.keys(edges)), never));
  expect(Object.keys(value)).toEqual(['near', 'next']);
  expect(value['near']).toBeCloseTo(20, 0);
  expect(ms).toBeCloseTo(60, 0); // twice the first, and 20
});

test('where nobody answers the wait is over after 200 ms', async () => {
  edges = { a: undefined, b: 900 };
  expect(await timed(measure(probesTo(['a', 'b']), never))).toEqual({ value: {}, ms: 200 });
});

test('no more than eight are asked', async () => {
  edges = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`e${i}`, 1]));
  const { value } = await timed(measure(probesTo(Object.keys(edges)), never));
  expect(Object.keys(value)).toHaveLength(8);
});

const answer = (token: string, first: string, probes: string[] = []) =>
  Response.json({
    session: 's',
    token,
    streams: [{ id: 'main', language: '' }],
    edges: [{ node: first, region: '', whep: `https://${first}/whep` }],
    probes: probesTo(probes),
  });
const source = () => joined('/api/v1', 'talk', { stream: '', language: '' }, '', 'https://control/');

test('a join tells what was measured, and later ones do, too', async () => {
  edges = { a: 80, b: 10 };
  answers = [() => answer('t1', 'a', ['a', 'b']), () => answer('t2', 'b')];
  const join = source();
  const { value, ms } = await timed(join(never, []));
  expect(value.edges[0]?.node).toBe('b');
  expect(ms).toBeLessThanOrEqual(300);
  await timed(join(never, []));
  expect(asked.map(({ bearer }) => bearer)).toEqual([null, 'Bearer t1', 'Bearer t2']);
  const measured = { rtt: { b: expect.closeTo(10, 0) as number } };
  expect(asked.map(({ body }) => body)).toEqual([{}, measured, measured]);
  // What has failed is told, and what was measured before is forgotten.
  await timed(join(never, ['b']));
  expect(asked.at(-1)?.body).toEqual({ failed: ['b'] });
});

test.each([
  ['does not answer', () => after(undefined).then(() => Response.error())],
  ['refuses', () => Response.json({}, { status: 503 })],
])('media does not wait for a better choice: control %s', async (_, second) => {
  edges = { a: 80, b: 10 };
  answers = [() => answer('t1', 'a', ['a', 'b']), second];
  const { value, ms } = await timed(source()(never, []));
  expect(value.edges[0]?.node).toBe('a');
  expect(ms).toBeLessThanOrEqual(300);
});

test('a control node that knows no hints is asked without', async () => {
  answers = [() => Response.json({}, { status: 400 }), () => answer('t1', 'a')];
  const { value } = await timed(source()(never, ['b']));
  expect(value.edges[0]?.node).toBe('a');
  expect(asked.map(({ body }) => body)).toEqual([{ failed: ['b'] }, {}]);
});

test('probes are read with care', () => {
  expect(probesOf({ probes: [{ node: 'a', url: 'https://a/rtt' }] })).toHaveLength(1);
  for (const bad of [
    null,
    {},
    { probes: 7 },
    { probes: [null, 7, { node: 'a' }, { url: 'https://a/' }, { node: 'a', url: 'javascript:1' }] },
    { probes: [{ node: 'a', url: 'https://' }] },
  ]) {
    expect(probesOf(bad)).toEqual([]);
  }
});

test('edges that failed are named for 30 s', () => {
  const known = new Edges([
    { node: 'a', region: '', whep: 'https://a' },
    { node: '', region: '', whep: 'https://b' },
    { node: 'c', region: '', whep: 'https://c' },
  ]);
  known.fail('https://a', 0);
  known.fail('https://b', 0);
  expect(known.resting(29_999)).toEqual(['a']);
  expect(known.resting(30_000)).toEqual([]);
});

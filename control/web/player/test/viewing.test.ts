import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Happening } from '../src/machine';
import { Peer, countersOf } from '../src/peer';
import { Problem } from '../src/problem';
import { type Stat } from '../src/rates';
import { type Source, fixed, joined } from '../src/source';
import { Viewing } from '../src/viewing';
import { FakePeer, edge, planned } from './fakepeer';

let told: Happening[];
let controller: AbortController;
const watcher = {
  happened: (what: Happening) => {
    told.push(what);
  },
  show: () => undefined,
  planned: () => undefined,
};

/** Has each edge answer by answer; counts how often one was asked. */
function answering(answer: (whep: string) => FakePeer | Problem) {
  return vi.spyOn(Peer, 'open').mockImplementation(({ whep }) => {
    const given = answer(whep);
    return given instanceof Problem ? Promise.reject(given) : Promise.resolve(given as unknown as Peer);
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  const page = new EventTarget(); // Node has no events of the network
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  told = [];
  controller = new AbortController();
});

afterEach(() => {
  controller.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('a stop while the new session is being secured closes it', async () => {
  const peer = new FakePeer();
  // As a browser does: the stop falls between the secured connection and its first counters.
  peer.connected = () => {
    controller.abort();
    return Promise.resolve();
  };
  answering(() => peer);
  const run = new Viewing(planned('a'), watcher).run(controller.signal);
  await vi.advanceTimersByTimeAsync(1000);
  expect(peer.closed).toBe(true);
  await run;
  expect(vi.getTimerCount()).toBe(0);
});

test('full edges that name each other are asked with waits', async () => {
  const asked = answering(
    whep =>
      new Problem('full', 503, 'Full', '', {
        alternate: whep.includes('//a/') ? edge('b').whep : edge('a').whep,
      }),
  );
  void new Viewing(planned('a', 'b'), watcher).run(controller.signal);
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(asked.mock.calls.length).toBeLessThan(16);
});

test('a full edge is left at once for the one it names, which nobody else had', async () => {
  const peer = new FakePeer();
  const asked = answering(whep =>
    whep.includes('//far/')
      ? peer
      : new Problem('full', 503, 'Full', '', { retryAfterMS: 5000, alternate: edge('far').whep }),
  );
  void new Viewing(planned('a', 'b'), watcher).run(controller.signal);
  await vi.advanceTimersByTimeAsync(50);
  expect(asked.mock.calls.map(([to]) => to.whep)).toEqual([edge('a').whep, edge('far').whep]);
  expect(peer.closed).toBe(false);
  expect(told).not.toContain('refuse');
});

test('a stream that comes back after a stall plays with its first picture, not before', async () => {
  let peer = new FakePeer();
  let absent = false;
  answering(() => (absent ? new Problem('not-live', 409, 'Not on the air') : peer));
  void new Viewing(planned('a'), watcher).run(controller.signal);
  peer.stillMS = 2000;
  await vi.advanceTimersByTimeAsync(500);
  expect(told).toEqual(['stall']);
  absent = true;
  peer.end(new Problem('quiet', 0, 'Quiet'));
  await vi.advanceTimersByTimeAsync(500);
  expect(told).toEqual(['stall', 'move', 'absent']);
  absent = false;
  peer = new FakePeer();
  await vi.advanceTimersByTimeAsync(6000);
  expect(told).toEqual(['stall', 'move', 'absent']); // the picture is the screen's to tell
});

test('why no edge can be had is told while it is tried again', async () => {
  answering(() => new Problem('unreachable', 0, 'No connection'));
  void new Viewing(planned('a'), watcher).run(controller.signal);
  await vi.advanceTimersByTimeAsync(1000);
  expect(told).toContain('trouble');
  expect(told).not.toContain('refuse');
});

test.each([
  ['no address', fixed(' ', '', 'https://page.example/')],
  ['an address that is none', fixed('https://[', '', 'https://page.example/')],
  [
    'an API that is none',
    joined('https://[', 'e', { stream: '', language: '' }, '', 'https://page.example/'),
  ],
])('%s is refused, and not tried again', async (_, source) => {
  await new Viewing(source, watcher).run(controller.signal);
  expect(told).toEqual(['refuse']);
});

test('addresses are taken as the page means them', async () => {
  const plan = await fixed('/whep/s https://e/whep/s', 't', 'https://page.example/x/')(controller.signal, []);
  expect(plan.edges.map(({ whep }) => whep)).toEqual(['https://page.example/whep/s', 'https://e/whep/s']);
});

test('with sound alone it is the sound that has to go on', () => {
  const stat = (kind: string, packetsReceived: number): [string, Stat] => [
    kind,
    { id: kind, type: 'inbound-rtp', kind, timestamp: 0, packetsReceived, framesDecoded: 7 },
  ];
  const look = new Map([stat('video', 50), stat('audio', 90)]);
  expect(countersOf(look, false).pictures).toBe(7);
  expect(countersOf(look, true).pictures).toBe(90);
  expect(countersOf(new Map([stat('audio', 90)]), false).pictures).toBe(90);
});

/** A control that gives a token which runs out, another one each time; away answers nobody. */
function control() {
  const state = { asked: 0, away: false };
  const source: Source = () => {
    state.asked++;
    return state.away
      ? Promise.reject(new Problem('unreachable', 0, 'No connection'))
      : Promise.resolve({ session: 's', token: `t${state.asked}`, expires: 1, edges: [edge('a')] });
  };
  return { state, source };
}

test('the token is renewed every five minutes, and the next session gets the newest', async () => {
  const { state, source } = control();
  let peer = new FakePeer();
  const asked = answering(() => peer);
  void new Viewing(source, watcher).run(controller.signal);
  await vi.advanceTimersByTimeAsync(1000);
  expect(state.asked).toBe(1);
  await vi.advanceTimersByTimeAsync(16 * 60_000);
  expect(state.asked).toBeGreaterThanOrEqual(3);
  expect(state.asked).toBeLessThanOrEqual(4);
  const newest = `t${state.asked}`;
  state.away = true;
  await vi.advanceTimersByTimeAsync(6 * 60_000); // what was given last still counts
  const before = peer;
  peer = new FakePeer();
  before.end(new Problem('quiet', 0, 'Quiet'));
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked.mock.calls.at(-1)?.[1]).toBe(newest);
  expect(told).not.toContain('refuse');
});

test('where a renewal names no second edge that could stand by, control is asked sooner, then ever later', async () => {
  const at: number[] = [];
  const source: Source = () => {
    at.push(Date.now());
    const edges = at.length === 1 || at.length === 5 ? [edge('a'), edge('b')] : [edge('a')];
    return Promise.resolve({ session: 's', token: 't', expires: 1, edges });
  };
  answering(() => new FakePeer());
  vi.spyOn(Peer, 'stand').mockRejectedValue(new Problem('full', 503, 'Full'));
  void new Viewing(source, watcher, true).run(controller.signal);
  await vi.advanceTimersByTimeAsync(25 * 60_000);
  const minutes = at.slice(1, 6).map((t, i) => (t - (at[i] ?? t)) / 60_000);
  for (const [i, [least, most]] of [
    [4.4, 5.6],
    [0.4, 1.1],
    [0.9, 2.1],
    [1.9, 4.1],
    [4.4, 5.6],
  ].entries()) {
    expect(minutes[i]).toBeGreaterThan(least ?? 0);
    expect(minutes[i]).toBeLessThan(most ?? 0);
  }
});

test('an edge that refuses the token has control asked once for another', async () => {
  const { state, source } = control();
  const tokens: string[] = [];
  vi.spyOn(Peer, 'open').mockImplementation((_, token) => {
    tokens.push(token);
    return token === 't1'
      ? Promise.reject(new Problem('token-expired', 401, 'Expired'))
      : Promise.resolve(new FakePeer() as unknown as Peer);
  });
  void new Viewing(source, watcher).run(controller.signal);
  await vi.advanceTimersByTimeAsync(100);
  expect(tokens).toEqual(['t1', 't2']);
  expect(state.asked).toBe(2);
  expect(told).not.toContain('refuse');
});

test('a token that every edge refuses ends the tries', async () => {
  const { state, source } = control();
  answering(() => new Problem('token-wrong', 401, 'Wrong'));
  await new Viewing(source, watcher).run(controller.signal);
  expect(state.asked).toBe(2);
  expect(told).toEqual(['refuse']);
});

test('a join carries the token, then the newest, and begins again without where that ran out', async () => {
  const carried: (string | null)[] = [];
  const answers = [200, 401, 200];
  vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
    carried.push(new Headers(init.headers).get('Authorization'));
    const body = {
      session: 's',
      token: 'given',
      expires: '2026-11-27T12:00:00Z',
      streams: [{ id: 'a' }],
      edges: [],
    };
    return Promise.resolve(Response.json(body, { status: answers.shift() ?? 500 }));
  });
  const source = joined('/api/v1', 'e', { stream: '', language: '' }, '', 'https://page.example/');
  const plan = await source(controller.signal, []);
  expect(plan).toMatchObject({ token: 'given', expires: Date.parse('2026-11-27T12:00:00Z') });
  await source(controller.signal, []);
  expect(carried).toEqual([null, 'Bearer given', null]);
});

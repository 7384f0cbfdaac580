import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Edge } from '../src/edges';
import { type Happening } from '../src/machine';
import { Peer, countersOf } from '../src/peer';
import { Problem } from '../src/problem';
import { type Stat } from '../src/rates';
import { type Source, fixed, joined } from '../src/source';
import { Viewing } from '../src/viewing';

/** What Viewing uses of a session; stillMS and connected are the test's. */
class FakePeer {
  stillMS = 0;
  silentMS = 0;
  lost = false;
  closed = false;
  connected = () => Promise.resolve();
  media = () => Promise.resolve();
  end!: (why: Problem) => void;
  readonly over = new Promise<Problem>(resolve => {
    this.end = resolve;
  });
  close(): void {
    this.closed = true;
  }
}

const edge = (node: string): Edge => ({ node, region: '', whep: `https://${node}/whep/s` });
const planned =
  (...nodes: string[]): Source =>
  () =>
    Promise.resolve({ session: '', token: '', edges: nodes.map(edge) });

let told: Happening[];
let controller: AbortController;
const watcher = {
  happened: (what: Happening) => {
    told.push(what);
  },
  show: () => undefined,
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
  ['an API that is none', joined('https://[', 'e', '', 'https://page.example/')],
])('%s is refused, and not tried again', async (_, source) => {
  await new Viewing(source, watcher).run(controller.signal);
  expect(told).toEqual(['refuse']);
});

test('addresses are taken as the page means them', async () => {
  const plan = await fixed('/whep/s https://e/whep/s', 't', 'https://page.example/x/')(controller.signal);
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

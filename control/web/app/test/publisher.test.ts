import { Resource } from '@freshet/player/resource';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type PublisherEvents, publish } from '../live/publisher';

/** What publish uses of a connection; it is secured at once, and ends as endsAs says. */
class FakeConnection extends EventTarget {
  static made: FakeConnection[] = [];
  static endsAs: RTCPeerConnectionState = 'failed';
  static onAnswer = () => undefined as unknown;
  static stats = (): [string, object][] => [];
  connectionState: RTCPeerConnectionState = 'new';
  iceGatheringState = 'complete';
  closed = false;
  constructor() {
    super();
    FakeConnection.made.push(this);
  }
  createOffer = () => Promise.resolve({ type: 'offer', sdp: 'v=0\r\n' });
  setLocalDescription = () => Promise.resolve();
  setRemoteDescription = () => {
    FakeConnection.onAnswer();
    return Promise.resolve();
  };
  addTransceiver = () => ({ setCodecPreferences: () => undefined });
  getStats = () => {
    this.connectionState = FakeConnection.endsAs;
    return Promise.resolve(new Map(FakeConnection.stats()));
  };
  close = () => {
    this.closed = true;
  };
}

const wish = {
  endpoint: 'https://origin.example/whip/s',
  key: 'k',
  stream: { getVideoTracks: () => [], getAudioTracks: () => [] } as unknown as MediaStream,
  codec: 'VP8' as const,
  simulcast: false,
};
const silent: PublisherEvents = { live: () => undefined, again: () => undefined, figures: () => undefined };
let controller: AbortController;
/** An origin that has no word for publishers that are to move. */
const stays = () => Promise.resolve(404);

beforeEach(() => {
  vi.useFakeTimers();
  const page = new EventTarget(); // Node has no events of a page
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  vi.stubGlobal('RTCPeerConnection', FakeConnection);
  FakeConnection.made = [];
  FakeConnection.stats = () => [];
  controller = new AbortController();
  const resource = {
    url: 'https://origin.example/whip/s/1',
    sdp: 'v=0',
    iceServers: [],
    end: vi.fn(),
    ask: stays,
  };
  vi.spyOn(Resource, 'open').mockResolvedValue(resource as unknown as Resource);
});

afterEach(() => {
  controller.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('an origin that ends each session as soon as it stands is not run down', async () => {
  FakeConnection.endsAs = 'failed';
  FakeConnection.onAnswer = () => {
    for (const pc of FakeConnection.made) pc.connectionState = 'connected';
  };
  void publish(wish, silent, controller.signal);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(FakeConnection.made.length).toBeGreaterThan(2);
  expect(FakeConnection.made.length).toBeLessThan(12);
  expect(FakeConnection.made.slice(0, -1).every(pc => pc.closed)).toBe(true);
});

test('an end while the answer is being read ends it, and nothing was live', async () => {
  FakeConnection.onAnswer = () => {
    controller.abort();
    return undefined;
  };
  const live = vi.fn();
  await publish(wish, { ...silent, live }, controller.signal);
  expect(live).not.toHaveBeenCalled();
  expect(FakeConnection.made.map(pc => pc.closed)).toEqual([true]);
});

test('after a loss the origin is asked once more, and then control is told that it is gone', async () => {
  let packets = 0;
  FakeConnection.endsAs = 'connected';
  FakeConnection.stats = () => [['t', { type: 'transport', packetsReceived: packets }]];
  FakeConnection.onAnswer = () => {
    for (const pc of FakeConnection.made) pc.connectionState = 'connected';
  };
  const resource = {
    url: 'https://origin.example/whip/s/1',
    sdp: 'v=0',
    iceServers: [],
    end: vi.fn(),
    ask: stays,
  };
  const asked: string[] = [];
  vi.spyOn(Resource, 'open').mockImplementation(at => {
    asked.push(at);
    if (asked.length === 2) return Promise.reject(new TypeError('Failed to fetch'));
    return Promise.resolve(resource as unknown as Resource);
  });
  const endpoint = 'https://control.example/whip/s';
  const flows = setInterval(() => packets++, 100);
  void publish({ ...wish, endpoint }, silent, controller.signal);
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked).toEqual([endpoint]);
  clearInterval(flows);
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toEqual([endpoint, endpoint, `${endpoint}?lost=origin.example`]);
});

test('told to move, it opens the next session before it ends the last', async () => {
  FakeConnection.endsAs = 'connected';
  let packets = 0;
  FakeConnection.stats = () => [['t', { type: 'transport', packetsReceived: packets++ }]];
  FakeConnection.onAnswer = () => {
    for (const pc of FakeConnection.made) pc.connectionState = 'connected';
  };
  const answers = [204, 0, 200];
  const ask = vi.fn(() => Promise.resolve(answers.shift() ?? 404));
  const resource = { url: 'https://origin.example/whip/s/1', sdp: 'v=0', iceServers: [], end: vi.fn(), ask };
  vi.spyOn(Resource, 'open').mockResolvedValue(resource as unknown as Resource);
  const [live, again] = [vi.fn(), vi.fn()];
  void publish(wish, { ...silent, live, again }, controller.signal);
  await vi.advanceTimersByTimeAsync(900);
  expect(FakeConnection.made.map(pc => pc.closed)).toEqual([false]); // an answer that was none is asked for again
  await vi.advanceTimersByTimeAsync(800);
  expect(FakeConnection.made.map(pc => pc.closed)).toEqual([false, false]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(FakeConnection.made.map(pc => pc.closed)).toEqual([true, false]);
  expect(live).toHaveBeenCalledTimes(2);
  expect(again).not.toHaveBeenCalled();
});

test('told to move to where nobody takes it, it stays until it is ended', async () => {
  FakeConnection.endsAs = 'connected';
  let packets = 0;
  FakeConnection.stats = () => [['t', { type: 'transport', packetsReceived: packets++ }]];
  FakeConnection.onAnswer = () => {
    for (const pc of FakeConnection.made) pc.connectionState = 'connected';
  };
  const ask = () => Promise.resolve(200);
  const resource = { url: 'https://origin.example/whip/s/1', sdp: 'v=0', iceServers: [], end: vi.fn(), ask };
  vi.spyOn(Resource, 'open')
    .mockResolvedValueOnce(resource as unknown as Resource)
    .mockRejectedValue(new TypeError('Failed to fetch'));
  const again = vi.fn();
  void publish(wish, { ...silent, again }, controller.signal);
  await vi.advanceTimersByTimeAsync(3000);
  expect(FakeConnection.made.map(pc => pc.closed)).toEqual([false, true]);
  expect(again).not.toHaveBeenCalled();
});

/** Sends one stream by WHIP, and opens a new session when the present one fails, until it is ended. */
import { Backoff, sleep } from '@freshet/player/backoff';
import { Problem, asProblem } from '@freshet/player/problem';
import { Pulse } from '@freshet/player/pulse';
import { type Look, find, lookAt, number } from '@freshet/player/rates';
import { Resource } from '@freshet/player/resource';
import { fragment, withStereo } from '@freshet/player/sdp';
import { type Codec, encodingsFor, preferencesFor } from './codecs';
import { type Sent, sentOf } from './sender';

export interface Wish {
  endpoint: string;
  key: string;
  stream: MediaStream;
  codec: Codec;
  simulcast: boolean;
}

export interface PublisherEvents {
  /** Media flows. */
  live(session: string): void;
  /** A new session is being opened after why. */
  again(why: Problem): void;
  figures(sent: Sent): void;
}

/** Longest wait from the answer to a secured connection. */
const connectWithinMS = 8000;
/** An origin sends feedback several times a second; this long without any, it is gone. */
const goneAfterMS = 700;
const lookEveryMS = 100;
/** After a loss the origin has this long to answer; then control is told that it does not. */
const againWithinMS = 500;
/** A session that stood for so long was none that its origin ended at once. */
const settledMS = 3000;
/** After a session of this length the waits between attempts start anew. */
const lastedMS = 10_000;
/** Where an origin says that it is about to leave, and the stream placed elsewhere. */
const moveRel = 'urn:ietf:params:whip:ext:freshet:move';
/** For one answer: the origin takes half of it. */
const moveWithinMS = 40_000;
const moveAgainMS = 1000;
/** How long a session goes on beside the one that takes its place. */
const overlapMS = 1000;
/** Candidates found within this time travel in one request. */
const gatherMS = 300;

/** Publishes until signal aborts (then it returns) or an answer is final (then it throws that Problem). */
export async function publish(wish: Wish, events: PublisherEvents, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff(250, 4000);
  const over = () => signal.aborted;
  const attempt: Attempt = { origin: '' };
  while (!over()) {
    const since = performance.now();
    try {
      const why = await sessions(wish, events, attempt, signal);
      // A session that lasted is followed soon; an origin that ends each as soon as it stands is asked less and less.
      if (performance.now() - since > lastedMS) backoff.reset();
      if (why) throw why;
    } catch (thrown) {
      if (over()) return;
      const why = asProblem(thrown);
      if (why.status >= 400 && why.status < 500 && why.status !== 408 && why.status !== 429) throw why;
      events.again(why);
      if (next(attempt, why, performance.now() - since > settledMS)) continue;
      await sleep(Math.max(why.more.retryAfterMS ?? 0, backoff.next()), signal).catch(() => undefined);
    }
  }
}

/** How a session is asked for. */
interface Attempt {
  /** Host of the origin that the last session was at. */
  origin: string;
  /** The last session was lost just now: its origin has little time to answer. */
  again?: boolean;
  /** The origin that does not answer any more: control sends somewhere else. */
  lost?: string;
}

/** Prepares the attempt that follows one which ended with why. Answers whether it follows at once. */
function next(attempt: Attempt, why: Problem, stood: boolean): boolean {
  const { again, lost, origin } = attempt;
  delete attempt.again;
  delete attempt.lost;
  if (why.kind === 'quiet' && stood) return (attempt.again = true);
  if (again === true && why.status === 0 && lost === undefined && origin !== '') {
    attempt.lost = origin;
    return true;
  }
  return false;
}

function endpointOf(endpoint: string, lost: string | undefined): string {
  if (lost === undefined) return endpoint;
  const url = new URL(endpoint);
  url.searchParams.set('lost', lost);
  return url.href;
}

/** A session that is under way. */
interface Turn {
  stands: Promise<void>;
  /** The origin asks the publisher to go elsewhere. */
  moved: Promise<void>;
  over: Promise<Problem | undefined>;
  end(): void;
}

function begin(wish: Wish, events: PublisherEvents, attempt: Attempt, signal: AbortSignal): Turn {
  const own = new AbortController();
  let stand = () => undefined as unknown;
  let move = () => undefined as unknown;
  const told: PublisherEvents = {
    ...events,
    live: id => {
      events.live(id);
      stand();
    },
  };
  const stands = new Promise<void>(resolve => (stand = resolve));
  const moved = new Promise<void>(resolve => (move = resolve));
  const over = session(wish, told, attempt, AbortSignal.any([signal, own.signal]), () => {
    move();
  });
  return {
    stands,
    moved,
    over,
    end: () => {
      own.abort();
    },
  };
}

/**
 * A session to its end, and where the origin asks the publisher to go elsewhere, the next: it is opened before the last is
 * ended. Answers why the last one ended, or nothing where signal ended it.
 */
async function sessions(
  wish: Wish,
  events: PublisherEvents,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  let turn = begin(wish, events, attempt, signal);
  for (;;) {
    const moved = await Promise.race([turn.moved.then(() => true), turn.over.then(() => false)]);
    if (!moved) return turn.over;
    const elsewhere: Attempt = { origin: attempt.origin };
    const next = begin(wish, events, elsewhere, signal);
    const came = next.over.then(
      () => false,
      () => false,
    );
    if (await Promise.race([next.stands.then(() => true), came])) {
      await sleep(overlapMS, signal).catch(() => undefined);
      turn.end();
      await turn.over.catch(() => undefined);
      attempt.origin = elsewhere.origin;
      turn = next;
    } else {
      turn.moved = new Promise(() => undefined); // the origin ends it, if it must
    }
  }
}

/** Says by moved that the origin asks the publisher to go elsewhere. */
async function listen(resource: Resource, moved: () => void, signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted) {
      const status = await resource.ask(moveRel, moveWithinMS, signal).catch(() => 0);
      if (status === 200) {
        moved();
        return;
      }
      if (status === 404) return;
      if (status !== 204) await sleep(moveAgainMS, signal);
    }
  } catch {
    // It was aborted: the session is over.
  }
}

/** One session, to its end. Answers why it ended, or nothing where signal ended it. */
async function session(
  wish: Wish,
  events: PublisherEvents,
  attempt: Attempt,
  signal: AbortSignal,
  moved: () => void,
): Promise<Problem | undefined> {
  const over = new AbortController();
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  let resource: Resource | undefined;
  const end = () => {
    pc.close();
    void resource?.end();
  };
  addEventListener('pagehide', end);
  try {
    prepare(pc, wish);
    const candidates: RTCIceCandidate[] = [];
    pc.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate && candidate.candidate !== '') candidates.push(candidate);
    });
    const offer = await pc.createOffer();
    const sdp = withStereo(offer.sdp ?? '');
    await pc.setLocalDescription({ type: 'offer', sdp });
    const open = attempt.again ? AbortSignal.any([signal, AbortSignal.timeout(againWithinMS)]) : signal;
    resource = await Resource.open(endpointOf(wish.endpoint, attempt.lost), sdp, wish.key, open);
    attempt.origin = new URL(resource.url).host;
    if (resource.iceServers.length > 0)
      pc.setConfiguration({ bundlePolicy: 'max-bundle', iceServers: resource.iceServers });
    await pc.setRemoteDescription({ type: 'answer', sdp: resource.sdp });
    void trickle(pc, resource, sdp, candidates, signal);
    await until(pc, signal);
    events.live(new URL(resource.url).pathname.split('/').pop() ?? '');
    void listen(resource, moved, AbortSignal.any([signal, over.signal]));
    return await watch(pc, events, signal);
  } finally {
    removeEventListener('pagehide', end);
    over.abort();
    end();
  }
}

function prepare(pc: RTCPeerConnection, { stream, codec, simulcast }: Wish): void {
  const [video] = stream.getVideoTracks();
  const [audio] = stream.getAudioTracks();
  if (video) {
    const transceiver = pc.addTransceiver(video, {
      direction: 'sendonly',
      streams: [stream],
      sendEncodings: encodingsFor(codec, simulcast),
    });
    transceiver.setCodecPreferences(
      preferencesFor(codec, RTCRtpSender.getCapabilities('video')?.codecs ?? []),
    );
  }
  if (audio) pc.addTransceiver(audio, { direction: 'sendonly', streams: [stream] });
}

/** Tells the origin where this browser may be reached. It may well find out by itself: a failure ends nothing. */
async function trickle(
  pc: RTCPeerConnection,
  resource: Resource,
  sdp: string,
  candidates: readonly RTCIceCandidate[],
  signal: AbortSignal,
): Promise<void> {
  try {
    if (pc.iceGatheringState !== 'complete') await sleep(gatherMS, signal);
    if (candidates.length > 0) {
      await resource.trickle(fragment(sdp, candidates, pc.iceGatheringState === 'complete'), signal);
    }
  } catch {
    // Connection checks of the browser reach the origin without it; where they do not, until() says so.
  }
}

function until(pc: RTCPeerConnection, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(connectWithinMS)]);
  const failed = () => new Problem('media', 0, 'No way to the origin');
  return new Promise((resolve, reject) => {
    const check = () => {
      // An abort that has happened fires no event again.
      if (limit.aborted) reject(signal.aborted ? (signal.reason as Error) : failed());
      if (pc.connectionState === 'connected') resolve();
      if (pc.connectionState === 'failed') reject(failed());
    };
    pc.addEventListener('connectionstatechange', check);
    limit.addEventListener('abort', check, { once: true });
    check();
  });
}

/** Stays with a session while the origin answers. */
async function watch(
  pc: RTCPeerConnection,
  events: PublisherEvents,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  let before: Look | undefined;
  let pulse: Pulse | undefined;
  let shownAt = 0;
  while (!signal.aborted) {
    const look = lookAt(await pc.getStats());
    const now = performance.now();
    const counters = { packets: packetsOf(look), media: 0, pictures: 0 };
    pulse ??= new Pulse(counters, now);
    pulse.look(counters, now);
    if (now - shownAt >= 1000) {
      events.figures(sentOf(look, before));
      before = look;
      shownAt = now;
    }
    if (pc.connectionState === 'failed' || pc.connectionState === 'closed' || pulse.quietMS > goneAfterMS) {
      return new Problem('quiet', 0, 'The origin fell silent');
    }
    await sleep(lookEveryMS, signal).catch(() => undefined);
  }
  return undefined;
}

/** Packets that came back; where the browser does not count them, reports of the origin stand in. */
function packetsOf(look: Look): number {
  const transport = number(find(look, 'transport'), 'packetsReceived');
  if (transport !== undefined) return transport;
  let reports = 0;
  for (const stat of look.values()) {
    if (stat.type === 'remote-inbound-rtp') reports += stat.timestamp;
  }
  return reports;
}

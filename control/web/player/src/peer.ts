/** One session with one edge: connection, counters, layers. It lives until close. */
import { type Edge } from './edges';
import { type Layers, layersOf } from './layers';
import { type Hop, pathOf, statsRelation } from './path';
import { Problem, asProblem } from './problem';
import { type Counters, Pulse, standbyLostAfterMS } from './pulse';
import { type Figures, type Look, type Stat, figuresOf, find, lookAt, number } from './rates';
import { Resource } from './resource';
import { withStereo } from './sdp';

/** Longest wait from the answer to a secured connection. */
const connectWithinMS = 5000;
/** Longest wait from there to the first media, where a move waits for it. */
const mediaWithinMS = 4000;
/** How often counters are read: half of what makes an edge lost. */
const lookEveryMS = 200;
/** How often, where another edge stands by and no picture comes: a quarter of what makes this one suspect. */
const keenEveryMS = 50;
/** How often, while it stands by: as often as its edge speaks. */
const idleEveryMS = 500;
/** How often it is looked for the first picture of a session that stood by. */
const pictureEveryMS = 10;
/** Longest wait for the answer to play or pause. */
const sayWithinMS = 1500;
/** What an edge says play to that knows standbys. */
const playRelation = 'urn:ietf:params:whep:ext:freshet:play';
/** How often figures are made of them. */
const figuresEveryMS = 1000;

export class Peer {
  readonly edge: Edge;
  /** Names the session at its edge: the last part of its address. */
  readonly id: string;
  readonly tracks: MediaStreamTrack[];
  figures: Figures | undefined;

  #pulse: Pulse | undefined;
  #look: Look | undefined;
  #figuresAt = 0;
  #over = Promise.withResolvers<Problem>();
  #stop = new AbortController();
  /** Whether the viewer asked for sound alone: then no picture is awaited. */
  #soundAlone = false;
  /** Whether it is connected and gets no media. */
  #standsBy = false;
  /** Called after each look that finds the edge silent for so long that it may be lost. It is looked closely while set. */
  suspected: (() => void) | undefined;
  /** Set while another edge is tried: silence alone does not end this session then. */
  doubted = false;

  private constructor(
    edge: Edge,
    private readonly pc: RTCPeerConnection,
    private readonly resource: Resource,
  ) {
    this.edge = edge;
    this.id = new URL(resource.url).pathname.split('/').pop() ?? '';
    this.tracks = pc.getReceivers().map(receiver => receiver.track);
    pc.addEventListener('connectionstatechange', () => {
      if (pc.connectionState === 'failed') this.end(new Problem('media', 0, 'The media connection failed'));
    });
  }

  /** Opens a session at edge. The offer goes out at once: an edge is ICE-lite and needs no candidate of ours. */
  static async open(edge: Edge, token: string, signal: AbortSignal): Promise<Peer> {
    return Peer.#offer(edge, edge.whep, token, signal);
  }

  /** Opens a session that gets no media before play. Throws a Problem where the edge knows no such thing, too. */
  static async stand(edge: Edge, token: string, signal: AbortSignal): Promise<Peer> {
    const address = new URL(edge.whep);
    address.searchParams.set('standby', 'warm');
    const peer = await Peer.#offer(edge, address.href, token, signal);
    peer.#standsBy = true;
    if (peer.resource.links.some(link => link.rel === playRelation)) return peer;
    peer.close();
    throw new Problem('standby', 201, 'The edge knows no standby');
  }

  static async #offer(edge: Edge, whep: string, token: string, signal: AbortSignal): Promise<Peer> {
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    let resource: Resource | undefined;
    try {
      pc.addTransceiver('video', { direction: 'recvonly' });
      pc.addTransceiver('audio', { direction: 'recvonly' });
      const offer = await pc.createOffer();
      const sdp = withStereo(offer.sdp ?? '');
      // Local and remote work at once: the edge answers while the browser prepares to send checks.
      const [opened] = await Promise.all([
        Resource.open(whep, sdp, token, signal),
        pc.setLocalDescription({ type: 'offer', sdp }),
      ]);
      resource = opened;
      await pc.setRemoteDescription({ type: 'answer', sdp: resource.sdp });
      signal.throwIfAborted();
      return new Peer(edge, pc, resource);
    } catch (thrown) {
      pc.close();
      void resource?.end();
      throw thrown;
    }
  }

  /** Waits until media may flow. Throws a Problem. */
  async connected(signal: AbortSignal): Promise<void> {
    await this.#until(
      () => this.pc.connectionState === 'connected',
      connectWithinMS,
      'No way to the edge',
      signal,
    );
    this.#pulse = new Pulse(this.#count(await this.#read()), performance.now());
    void this.#watch();
  }

  /** Waits until the first picture (with sound alone: sound) has been decoded. Throws a Problem. */
  async media(signal: AbortSignal): Promise<void> {
    const start = performance.now();
    while (this.#count(await this.#read()).pictures === 0) {
      signal.throwIfAborted();
      if (performance.now() - start > mediaWithinMS) throw new Problem('media', 0, 'The edge sent no media');
      await pause(50);
    }
  }

  /**
   * Has a standby get media. Resolves once the first picture (sound: the first sound) has come, or with false where back
   * says that nobody needs it any more. Throws a Problem.
   */
  async play(sound: boolean, back: () => boolean, signal: AbortSignal): Promise<boolean> {
    const kind = sound ? 'audio' : 'video';
    const before = this.#heard(kind);
    const start = performance.now();
    this.#standsBy = false;
    this.doubted = true; // what it hears until then is no silence
    await this.resource.say('play', sayWithinMS, signal);
    while (this.#heard(kind) === before) {
      signal.throwIfAborted();
      if (back()) return false;
      if (performance.now() - start > sayWithinMS) throw new Problem('media', 0, 'The edge sent no media');
      await pause(pictureEveryMS);
    }
    if (back()) return false;
    this.#pulse = undefined; // the next look begins another
    this.doubted = false;
    return true;
  }

  /** Has it stand by: again, or still, which keeps the way open by which it is told to play. Throws a Problem. */
  async pause(signal: AbortSignal): Promise<void> {
    await this.resource.say('pause', sayWithinMS, signal);
    this.#standsBy = true;
    this.doubted = false;
  }

  /** When what was played last of kind came, on the browser's clock. */
  #heard(kind: string): number {
    const receivers = this.pc.getReceivers().filter(({ track }) => track.kind === kind);
    return Math.max(0, ...receivers.flatMap(r => r.getSynchronizationSources().map(s => s.timestamp)));
  }

  /** Resolves, with why, when the session cannot go on. */
  get over(): Promise<Problem> {
    return this.#over.promise;
  }

  /** Makes over resolve. */
  end(why: Problem): void {
    this.#over.resolve(why);
  }

  /** Whether the edge is silent now: no packet of any kind for 400 ms. */
  get lost(): boolean {
    return this.pc.connectionState !== 'connected' || (this.#pulse?.lost ?? false);
  }

  /** Whether the edge may be silent, and another be tried. */
  get suspect(): boolean {
    return this.pc.connectionState !== 'connected' || (this.#pulse?.suspect ?? false);
  }

  /** Whether there is sound and no picture. */
  get soundAlone(): boolean {
    return this.#soundAlone || this.#heard('video') === 0;
  }

  /** ms since media of any kind came. */
  get silentMS(): number {
    return this.#pulse?.silentMS ?? 0;
  }

  /** ms since the picture last moved. */
  get stillMS(): number {
    return this.#pulse?.stillMS ?? 0;
  }

  async layers(signal: AbortSignal): Promise<Layers | undefined> {
    return layersOf(await this.resource.get('layer', AbortSignal.any([signal, this.#stop.signal])));
  }

  /** Asks for one layer, or with null for what fits. */
  async choose(rid: string | null, audioOnly: boolean, signal: AbortSignal): Promise<void> {
    await this.resource.post('layer', { rid, audioOnly }, signal);
    this.#soundAlone = audioOnly;
  }

  /** How the stream comes to the edge; undefined where the edge does not tell. */
  async path(): Promise<Hop[] | undefined> {
    if (!this.resource.links.some(link => link.rel === statsRelation)) return undefined;
    return pathOf(await this.resource.get('stats', this.#stop.signal));
  }

  /** Leaves the edge. The edge is told even while the page goes away. */
  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.pc.close();
    void this.resource.end();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    let lookedAt = performance.now();
    let heard = 0;
    while (!signal.aborted) {
      await pause(this.#standsBy ? idleEveryMS : this.suspected ? keenEveryMS : lookEveryMS);
      // Counters cost a browser more than asking what it played last: while that moves they are not read more often.
      const newest = Math.max(this.#heard('video'), this.#heard('audio'));
      const moves = newest !== heard;
      heard = newest;
      if (moves && performance.now() - lookedAt < lookEveryMS) continue;
      let look: Look;
      try {
        look = await this.#read();
      } catch (thrown) {
        // Some browsers count no longer once a connection is closed.
        this.end(asProblem(thrown));
        return;
      }
      const now = performance.now();
      lookedAt = now;
      this.#pulse ??= new Pulse(this.#count(look), now);
      this.#pulse.look(this.#count(look), now);
      if (now - this.#figuresAt >= figuresEveryMS) {
        this.figures = figuresOf(look, this.#look, Date.now());
        this.#look = look;
        this.#figuresAt = now;
      }
      if (this.#pulse.suspect) this.suspected?.();
      if (this.#silent) this.end(new Problem('quiet', 0, 'The edge fell silent'));
    }
  }

  get #silent(): boolean {
    if (this.#standsBy) return (this.#pulse?.quietMS ?? 0) >= standbyLostAfterMS;
    return !this.doubted && this.#pulse?.lost === true;
  }

  async #read(): Promise<Look> {
    return lookAt(await this.pc.getStats());
  }

  #count(look: Look): Counters {
    return countersOf(look, this.#soundAlone);
  }

  #until(ready: () => boolean, withinMS: number, title: string, signal: AbortSignal): Promise<void> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMS)]);
    return new Promise((resolve, reject) => {
      const check = () => {
        if (ready()) done(resolve);
        else if (this.pc.connectionState === 'failed')
          done(() => {
            reject(new Problem('media', 0, title));
          });
      };
      const abort = () => {
        done(() => {
          reject(signal.aborted ? (signal.reason as Error) : new Problem('media', 0, title));
        });
      };
      const done = (then: () => void) => {
        this.pc.removeEventListener('connectionstatechange', check);
        limit.removeEventListener('abort', abort);
        then();
      };
      this.pc.addEventListener('connectionstatechange', check);
      limit.addEventListener('abort', abort);
      if (limit.aborted) abort();
      else check();
    });
  }
}

/** Reads what Pulse needs; with soundAlone it is the sound that has to go on. Exported for its test. Without transport statistics (older Firefox), RTP packets and sender reports stand in. */
export function countersOf(look: Look, soundAlone: boolean): Counters {
  const video = find(look, 'inbound-rtp', 'video');
  const audio = find(look, 'inbound-rtp', 'audio');
  let reports = 0;
  for (const stat of look.values()) {
    if (stat.type === 'remote-outbound-rtp')
      reports += number(stat, 'reportsSent') ?? number(stat, 'remoteTimestamp') ?? 0;
  }
  const rtp = (number(video, 'packetsReceived') ?? 0) + (number(audio, 'packetsReceived') ?? 0);
  const hasVideo = !soundAlone && (number(video, 'packetsReceived') ?? 0) > 0;
  return {
    packets: number(find(look, 'transport'), 'packetsReceived') ?? rtp + reports,
    media: rtp,
    pictures: (hasVideo ? number(video, 'framesDecoded') : number(audio, 'packetsReceived')) ?? 0,
    sinceMS: sinceOf([video, audio]),
  };
}

/** ms from the newest packet of stats to when they were made; undefined where none tells. */
function sinceOf(stats: (Stat | undefined)[]): number | undefined {
  const all = stats.flatMap(stat => {
    const at = number(stat, 'lastPacketReceivedTimestamp');
    return stat && at !== undefined ? [stat.timestamp - at] : [];
  });
  return all.length > 0 ? Math.min(...all) : undefined;
}

/** Waits until the session of peer is over. Throws signal's reason when it aborts, or has: that fires no event again. */
export function overOf(peer: Pick<Peer, 'over'>, signal: AbortSignal): Promise<Problem> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', abort, { once: true });
    void peer.over.then(why => {
      signal.removeEventListener('abort', abort);
      resolve(why);
    });
  });
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

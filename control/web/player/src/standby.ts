/** A session at a second edge, connected and without media, that goes on when the first falls silent. */
import { sleep } from './backoff';
import { type Edge, Edges } from './edges';
import { Peer, overOf } from './peer';
import { Problem } from './problem';

/** From a session's begin, or from the loss of a standby, to the next try: the picture comes first. */
const afterMS = 3000;
/** And so much more, by chance: viewers of an edge that died need not all ask the next one at once. */
const withinMS = 3000;
/** How often the edge is told that it still stands by. It closes connections that say nothing for 60 s. */
const sayEveryMS = 45_000;

export class Standby {
  /** Refusals of standbys, which say nothing of how the edge does for viewers. */
  #edges = new Edges();
  #ready: Peer | undefined;
  /** What was ready, and is the caller's now. */
  #given: Peer | undefined;
  #trying = false;
  /** That it still stands by, on its way to the edge: play must not overtake it. */
  #said: Promise<void> = Promise.resolve();

  constructor(
    /** Whether an edge is one to stand by at, beside the one that plays. */
    private readonly fits: (edge: Edge) => boolean,
    private readonly token: () => string,
  ) {}

  /** The session that could play at once. */
  get ready(): Peer | undefined {
    return this.#ready;
  }

  /** Takes a newer ranking. A session at an edge that is not in it any more is given up. */
  replace(ranked: Edge[]): void {
    this.#edges.replace(ranked);
    this.#giveUp(edge => !this.#edges.has(edge.whep));
  }

  /** Gives up a session at one of nodes, and opens none there for a while: they are about to stop. */
  leave(nodes: readonly string[]): void {
    this.#edges.failAll(edge => nodes.includes(edge.node), performance.now());
    this.#giveUp(edge => nodes.includes(edge.node));
  }

  #giveUp(where: (edge: Edge) => boolean): void {
    const peer = this.#ready;
    if (peer && where(peer.edge)) peer.end(new Problem('asked', 0, 'Asked to leave'));
  }

  /** Keeps one session open until signal aborts. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const close = () => this.#ready?.close(); // at once: the page may be going away
    signal.addEventListener('abort', close);
    try {
      for (;;) {
        await sleep(afterMS + Math.random() * withinMS, signal);
        const edge = this.#edges.among(this.fits, performance.now());
        if (edge) await this.#hold(edge, signal);
      }
    } catch {
      // It was aborted.
    } finally {
      signal.removeEventListener('abort', close);
    }
  }

  /**
   * Has the session that is ready play. Answers it once there is a picture; from then on it is the caller's. undefined
   * where there is none, where it has no picture soon, or where back says that the first one speaks again.
   */
  async relieve(sound: boolean, back: () => boolean, signal: AbortSignal): Promise<Peer | undefined> {
    const peer = this.#ready;
    if (!peer) return undefined;
    this.#trying = true;
    try {
      await this.#said;
      if (await peer.play(sound, back, signal)) {
        if (this.#ready !== peer) return undefined; // it ended meanwhile
        this.#given = peer;
        this.#ready = undefined;
        return peer;
      }
      await peer.pause(signal);
    } catch {
      peer.end(new Problem('media', 0, 'The standby does not play'));
    } finally {
      this.#trying = false;
    }
    return undefined;
  }

  /** Opens a session at edge and stays with it until it is over. Throws when signal aborts. */
  async #hold(edge: Edge, signal: AbortSignal): Promise<void> {
    let peer: Peer | undefined;
    let saying: ReturnType<typeof setInterval> | undefined;
    try {
      const opened = await Peer.stand(edge, this.token(), signal);
      peer = opened;
      await opened.connected(signal);
      this.#ready = opened;
      saying = setInterval(() => {
        if (this.#trying) return;
        this.#said = opened.pause(signal).catch(() => {
          opened.end(new Problem('media', 0, 'The edge does not answer'));
        });
      }, sayEveryMS);
      await overOf(opened, signal);
    } catch {
      signal.throwIfAborted();
    } finally {
      clearInterval(saying);
      if (this.#ready === peer) this.#ready = undefined;
      if (this.#given !== peer) peer?.close();
    }
    this.#edges.fail(edge.whep, performance.now());
  }
}

/** One viewer's stay: joins, watches over the session, and moves to another edge when it fails. */
import { Backoff, sleep } from './backoff';
import { type Edge, Edges, failedForMS } from './edges';
import { type Happening, stallAfterMS } from './machine';
import { Peer, overOf } from './peer';
import { Problem, asProblem } from './problem';
import { type Plan, type Source, isAbsent, isFinal } from './source';
import { Standby } from './standby';

/** Spreads out the viewers of an edge that died, where no other one stands by. */
const moveWithinMS = 300;
/** Spreads out the viewers of an edge that is drained: it has time. */
const leaveWithinMS = 5000;
/** Longest wait between asks for a stream that is not on the air. */
const absentMostMS = 5000;
/** Without media for this long, while the edge speaks, it is the publisher who is silent. */
const silentAfterMS = 1000;
/** How often the event is joined again for a token that lasts: it holds for 30 min, so control may be away for 25. */
const renewEveryMS = 5 * 60_000;
/** And where a renewal named no other edge, which could stand by: twice as long as one that failed rests, then ever later. */
const aloneMS = 2 * failedForMS;
/** How often the picture is looked at for stalls. */
const stallLookMS = 250;

/** Who is told. Called in order, never after run has returned. */
export interface Watcher {
  happened(what: Happening, why?: Problem): void;
  /** What control answered, with the token that counts from now on. */
  planned(plan: Plan): void;
  /** Play these tracks now. The session they replace is still open, and closes right after. */
  show(peer: Peer): void;
}

export class Viewing {
  #edges = new Edges();
  #plan: Plan | undefined;
  #peer: Peer | undefined;
  #backoff = new Backoff();
  #absence = new Backoff(1000, absentMostMS);
  /** Where it plays from. */
  #at: Edge | undefined;
  /** Set while it is to leave there. */
  #leaving: ReturnType<typeof setTimeout> | undefined;
  /** An edge refused the token, and control was asked for another since. */
  #refused = false;
  /** undefined where none is wanted, or nothing plays. */
  #standby: Standby | undefined;

  constructor(
    private readonly source: Source,
    private readonly watcher: Watcher,
    /** Whether a second edge stands by. */
    private readonly warm = false,
  ) {}

  /** The node of the edge that stands by, or its host where it has no name; empty while none does. */
  get standby(): string {
    const edge = this.#standby?.ready?.edge;
    return edge ? edge.node || new URL(edge.whep).host : '';
  }

  /** The session that is shown. */
  get peer(): Peer | undefined {
    return this.#peer;
  }

  get plan(): Plan | undefined {
    return this.#plan;
  }

  /** Moves to the next edge, opening it before this one is closed. */
  move(): void {
    this.#peer?.end(new Problem('asked', 0, 'Asked to move'));
  }

  /** Moves away from the edge, if it is of one of nodes: some seconds from now, since others are told the same. */
  leave(nodes: string[]): void {
    this.#standby?.leave(nodes);
    const at = this.#at;
    if (this.#leaving !== undefined || !at || !nodes.includes(at.node)) return;
    this.#leaving = setTimeout(() => {
      this.#leaving = undefined;
      if (this.#at?.whep === at.whep) this.move();
    }, Math.random() * leaveWithinMS);
  }

  /** Plays until signal aborts or an answer is final. Never throws; the session is closed on return. */
  async run(signal: AbortSignal): Promise<void> {
    const stalls = setInterval(() => {
      this.#lookForStall();
    }, stallLookMS);
    const over = new AbortController();
    void this.#renew(AbortSignal.any([signal, over.signal]));
    try {
      while (!signal.aborted) if (!(await this.#round(signal))) return;
    } catch (thrown) {
      if (!signal.aborted) this.watcher.happened('refuse', asProblem(thrown));
    } finally {
      clearInterval(stalls);
      clearTimeout(this.#leaving);
      over.abort();
      this.#peer?.close();
      this.#peer = undefined;
    }
  }

  /** Opens one session and stays with it until it is over. Answers whether another round makes sense. */
  async #round(signal: AbortSignal): Promise<boolean> {
    let edge: Edge | undefined;
    try {
      edge = await this.#nextEdge(signal);
      let next: Peer | undefined = await this.#open(edge, signal);
      while (next) {
        this.#take(next, edge);
        next = await this.#stay(next, signal);
        edge = next?.edge ?? edge;
      }
      return true;
    } catch (thrown) {
      if (signal.aborted) return false;
      return this.#failed(edge, asProblem(thrown), signal);
    }
  }

  /** Stays with a session until it is over. Answers the one that goes on in its place: the standby, if that plays. */
  async #stay(peer: Peer, signal: AbortSignal): Promise<Peer | undefined> {
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    const standby = this.#standBy(until);
    let ended = false;
    let by: Peer | undefined;
    let trial: Promise<Peer | undefined> | undefined;
    const relieve = () =>
      (trial ??= standby
        ?.relieve(peer.soundAlone, () => !ended && !peer.suspect, until)
        .then(found => {
          if (!found) trial = undefined;
          return found;
        }));
    peer.suspected = standby && (() => void this.#doubt(peer, relieve));
    try {
      const why = await overOf(peer, signal);
      ended = true;
      by = await relieve();
      if (!by && why.kind !== 'asked') await sleep(Math.random() * moveWithinMS, signal);
      if (this.#at) this.#edges.fail(this.#at.whep, performance.now());
      this.watcher.happened('move', why);
      return by;
    } finally {
      peer.suspected = undefined;
      this.#standby = undefined;
      if (!by) void trial?.then(late => late?.close());
      over.abort(); // closes the standby, so that there are never more than two sessions
    }
  }

  /** Tries whether the standby has a picture before peer, which fell silent, speaks again. */
  async #doubt(peer: Peer, relieve: () => Promise<Peer | undefined> | undefined): Promise<void> {
    if (peer.doubted || !this.#standby?.ready) return;
    peer.doubted = true;
    if (await relieve()) peer.end(new Problem('quiet', 0, 'The edge fell silent'));
    peer.doubted = false;
  }

  /** Has a second edge stand by until signal aborts, if one is wanted. */
  #standBy(signal: AbortSignal): Standby | undefined {
    if (!this.warm) return undefined;
    const fits = (edge: Edge) => edge.whep !== this.#at?.whep && !this.#edges.rests(edge, performance.now());
    const standby = new Standby(fits, () => this.#plan?.token ?? '');
    standby.replace(this.#plan?.edges ?? []);
    this.#standby = standby;
    void standby.run(signal);
    return standby;
  }

  async #open(edge: Edge, signal: AbortSignal): Promise<Peer> {
    const peer = await Peer.open(edge, this.#plan?.token ?? '', signal);
    try {
      // At first the picture is shown as soon as it exists; later the old one stands until the new one is there.
      if (!this.#peer) this.watcher.show(peer);
      await peer.connected(signal);
      if (this.#peer) await peer.media(signal);
      return peer;
    } catch (thrown) {
      peer.close();
      throw thrown;
    }
  }

  #take(peer: Peer, edge: Edge): void {
    const old = this.#peer;
    this.#peer = peer;
    this.#at = edge;
    if (old) this.watcher.show(peer);
    old?.close();
    this.#refused = false;
    this.#backoff.reset();
    this.#absence.reset();
  }

  /** Whether one is to stand by, and control named none beside the one that plays. */
  get #alone(): boolean {
    return this.warm && this.#plan?.edges.every(edge => edge.whep === this.#at?.whep) === true;
  }

  /** Joins again from time to time, until signal aborts; what cannot be had now is asked for the next time. */
  async #renew(signal: AbortSignal): Promise<void> {
    const alone = new Backoff(aloneMS, renewEveryMS);
    try {
      for (;;) {
        if (!this.#alone) alone.reset();
        await sleep(this.#alone ? alone.next() : renewEveryMS * (0.9 + Math.random() / 5), signal);
        if (this.#plan?.expires !== undefined) await this.#ask(signal).catch(() => undefined);
      }
    } catch {
      // It was aborted: nobody watches any more.
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const plan = await this.source(signal, this.#edges.resting(performance.now()));
    this.#plan = plan;
    this.#edges.replace(plan.edges);
    this.#standby?.replace(plan.edges);
    this.watcher.planned(plan);
  }

  async #failed(edge: Edge | undefined, why: Problem, signal: AbortSignal): Promise<boolean> {
    if (edge && why.status === 401 && this.#plan?.expires !== undefined && !this.#refused) {
      this.#refused = true; // it ran out while control was away, or counts no longer, which control says
      this.#plan = undefined;
      return true;
    }
    if (isFinal(why, edge === undefined)) {
      this.watcher.happened('refuse', why);
      return false;
    }
    const retry = why.more.retryAfterMS ?? 0;
    if (edge && isAbsent(why)) {
      this.#peer?.close();
      this.#peer = undefined;
      this.#stalled = false; // of the session that is over; the next one has not been looked at
      this.watcher.happened('absent', why);
      await sleep(Math.min(Math.max(retry, this.#absence.next()), absentMostMS), signal);
      return true;
    }
    if (edge) this.#edges.fail(edge.whep, performance.now());
    // The edge that a full one names expects us; one that failed lately is not asked again before its rest is over,
    // or two full edges that name each other would be asked without end.
    if (why.more.alternate !== undefined) this.#edges.prefer(why.more.alternate);
    this.watcher.happened('trouble', why);
    // Another edge may be asked at once; only when all have failed is there somebody to spare.
    if (edge && !this.#edges.exhausted(performance.now())) return true;
    await sleep(Math.max(retry, this.#backoff.next()), signal);
    return true;
  }

  /** The edge to try, from a newer ranking where all known ones have failed. Throws the join's Problem. */
  async #nextEdge(signal: AbortSignal): Promise<Edge> {
    if (!this.#plan || this.#edges.exhausted(performance.now())) {
      try {
        await this.#ask(signal);
      } catch (thrown) {
        // Control may be away while edges are well: what it said last still holds.
        if (!this.#plan || isFinal(thrown, true)) throw thrown;
      }
    }
    const edge = this.#edges.pick(performance.now());
    if (!edge) throw new Problem('no-edge', 503, 'No edge can serve this event now');
    return edge;
  }

  #stalled = false;

  #lookForStall(): void {
    const peer = this.#peer;
    if (!peer) return;
    const stalled = peer.stillMS > stallAfterMS;
    if (stalled && !this.#stalled) this.watcher.happened('stall', this.#causeOfStall(peer));
    if (!stalled && this.#stalled) this.watcher.happened('picture');
    this.#stalled = stalled;
  }

  /** Who is at fault, as far as counters tell: the edge, the publisher, or a picture lost on the way. */
  #causeOfStall(peer: Peer): Problem {
    if (peer.lost) return new Problem('quiet', 0, 'The edge fell silent');
    if (peer.silentMS > silentAfterMS) return new Problem('silent', 0, 'The publisher sends nothing');
    return new Problem('picture', 0, 'No picture arrives');
  }
}

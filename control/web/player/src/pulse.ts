/** Tells from counters whether an edge still speaks and whether the picture still moves. Pure: time is an argument. */

/** An edge that sends nothing at all for this long is lost: it sends a report every 100 ms while a stream is silent. */
export const quietAfterMS = 400;
/** Where another edge stands by, that one is told to play by then: two reports at least have not come. */
export const suspectAfterMS = 200;
/** And not before so many looks: after a time in which the page got no turn, packets may wait to be counted. */
const suspectLooks = 3;
/** A standby hears from its edge every 500 ms: after so long it is of no use. */
export const standbyLostAfterMS = 2000;

/** Counters of one moment; each only grows while its thing lives. */
export interface Counters {
  /** Packets of any kind on the session's transport. */
  packets: number;
  /** Media packets of all kinds. */
  media: number;
  /** Frames decoded; for sound alone, audio packets. */
  pictures: number;
  /** ms from the newest media packet to this moment; undefined where the browser does not tell. */
  sinceMS?: number | undefined;
}

export class Pulse {
  #last: Counters;
  #heardAt: number;
  #mediaAt: number;
  #movedAt: number;
  #seenAt: number;
  /** Looks in a row that found no packet. */
  #empty = 0;

  constructor(counters: Counters, now: number) {
    this.#last = counters;
    this.#heardAt = this.#mediaAt = this.#movedAt = this.#seenAt = now;
  }

  /** Takes the counters of now. Looks may be far apart: a hidden page's timers run once a second. */
  look(counters: Counters, now: number): void {
    // Media may have come just after the last look, and nothing since.
    const since = counters.media === this.#last.media ? 0 : (counters.sinceMS ?? 0);
    const heardAt = Math.max(now - Math.max(since, 0), this.#seenAt);
    this.#empty++;
    if (counters.packets !== this.#last.packets) {
      this.#heardAt = heardAt;
      this.#empty = 0;
    }
    if (counters.media !== this.#last.media) this.#mediaAt = heardAt;
    if (counters.pictures !== this.#last.pictures) this.#movedAt = now;
    this.#last = counters;
    this.#seenAt = now;
  }

  /** ms without any packet, as far as looks tell. */
  get quietMS(): number {
    return this.#seenAt - this.#heardAt;
  }

  /** ms without media of any kind: with quietMS low, it is the publisher that sends nothing. */
  get silentMS(): number {
    return this.#seenAt - this.#mediaAt;
  }

  /** ms without a new picture. */
  get stillMS(): number {
    return this.#seenAt - this.#movedAt;
  }

  /** Whether the edge is lost. */
  get lost(): boolean {
    return this.quietMS >= quietAfterMS;
  }

  /** Whether the edge may be lost. */
  get suspect(): boolean {
    return this.quietMS >= suspectAfterMS && this.#empty >= suspectLooks;
  }
}

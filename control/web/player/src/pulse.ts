/** Tells from counters whether an edge still speaks and whether the picture still moves. Pure: time is an argument. */

/** An edge that sends nothing at all for this long is lost: it sends a report every 100 ms while a stream is silent. */
export const quietAfterMS = 400;

/** Counters of one moment; each only grows while its thing lives. */
export interface Counters {
  /** Packets of any kind on the session's transport. */
  packets: number;
  /** Media packets of all kinds. */
  media: number;
  /** Frames decoded; for sound alone, audio packets. */
  pictures: number;
}

export class Pulse {
  #last: Counters;
  #heardAt: number;
  #mediaAt: number;
  #movedAt: number;
  #seenAt: number;

  constructor(counters: Counters, now: number) {
    this.#last = counters;
    this.#heardAt = this.#mediaAt = this.#movedAt = this.#seenAt = now;
  }

  /** Takes the counters of now. Looks may be far apart: a hidden page's timers run once a second. */
  look(counters: Counters, now: number): void {
    if (counters.packets !== this.#last.packets) this.#heardAt = now;
    if (counters.media !== this.#last.media) this.#mediaAt = now;
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
}

/** One edge that may serve this viewer. */
export interface Edge {
  /** Its name, where the join call gave one. */
  node: string;
  region: string;
  /** Base or full WHEP address; full here: a POST to it opens a session. */
  whep: string;
}

/** A failed edge is not picked again for this long. */
export const failedForMS = 30_000;

/** The ranked edges of one viewer, and which of them failed when. */
export class Edges {
  #ranked: Edge[] = [];
  #failed = new Map<string, number>();

  constructor(ranked: Edge[] = []) {
    this.replace(ranked);
  }

  /** Takes a newer ranking. What is known of failures stays. */
  replace(ranked: Edge[]): void {
    this.#ranked = ranked;
  }

  /** Puts an edge that another edge named ahead of the ranking. */
  prefer(whep: string): void {
    if (this.#ranked[0]?.whep === whep) return;
    const known = this.#ranked.find(edge => edge.whep === whep);
    this.#ranked = [
      known ?? { node: '', region: '', whep },
      ...this.#ranked.filter(edge => edge.whep !== whep),
    ].slice(0, 8); // a ring of edges that name each other cannot grow the list
  }

  fail(whep: string, now: number): void {
    this.#failed.set(whep, now);
  }

  failAll(which: (edge: Edge) => boolean, now: number): void {
    for (const edge of this.#ranked) if (which(edge)) this.fail(edge.whep, now);
  }

  /** Whether every edge has failed lately, so that a newer ranking is worth asking for. */
  exhausted(now: number): boolean {
    return this.#ranked.every(edge => this.#banned(edge, now));
  }

  /** Nodes of those that failed lately, at most eight; an edge without a name is left out. */
  resting(now: number): string[] {
    const nodes = this.#ranked
      .filter(edge => edge.node !== '' && this.#banned(edge, now))
      .map(edge => edge.node);
    return nodes.slice(0, 8);
  }

  /** The best edge that has not failed lately; else the one whose failure is oldest. undefined without edges. */
  pick(now: number): Edge | undefined {
    const fresh = this.#ranked.find(edge => !this.#banned(edge, now));
    if (fresh) return fresh;
    return [...this.#ranked].sort((a, b) => this.#failedAt(a) - this.#failedAt(b))[0];
  }

  /** The best edge that fits and has not failed lately; undefined without one. */
  among(fits: (edge: Edge) => boolean, now: number): Edge | undefined {
    return this.#ranked.find(edge => fits(edge) && !this.#banned(edge, now));
  }

  has(whep: string): boolean {
    return this.#ranked.some(edge => edge.whep === whep);
  }

  /** Whether it failed lately. */
  rests(edge: Edge, now: number): boolean {
    return this.#banned(edge, now);
  }

  #failedAt(edge: Edge): number {
    return this.#failed.get(edge.whep) ?? -Infinity;
  }

  #banned(edge: Edge, now: number): boolean {
    return now - this.#failedAt(edge) < failedForMS;
  }
}

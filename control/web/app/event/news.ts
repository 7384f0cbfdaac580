/** What changes of an event, as the server tells it by itself (server-sent events). */
import { staleAfterMS } from '../ui/live';
import { apiBase } from '../ui/api';
import { type PublicEvent, eventOf } from './public';

/** Silence after which a line counts as broken though the browser knows nothing of it. */
const brokenAfterMS = 3 * staleAfterMS;
/** So many tries without a word, and something on the way does not let them through. */
const mostFailures = 3;
const lookEveryMS = 1000;

export interface Listener {
  event(event: PublicEvent): void;
  /** These nodes are about to stop, or take nobody new. */
  leaving(nodes: string[]): void;
  /** How old the last word is, in ms: once a second from staleAfterMS on, and 0 when it speaks again. */
  age(ms: number): void;
  /** The event is no longer public. */
  gone(): void;
  /** Nothing can be heard: ask instead. Nothing else is told after it, or after gone. */
  deaf(): void;
}

/** Listens from its construction until close. */
export class News {
  #source: EventSource | undefined;
  #heardAt = performance.now();
  #stale = false;
  #failures = 0;
  readonly #clock: ReturnType<typeof setInterval>;
  readonly #ends = new AbortController();

  constructor(
    private readonly slug: string,
    private readonly listener: Listener,
  ) {
    this.#clock = setInterval(() => {
      this.#look();
    }, lookEveryMS);
    const { signal } = this.#ends;
    // A page that is kept for the way back must not hold a line; it listens again when it is shown.
    addEventListener('pagehide', () => this.#source?.close(), { signal });
    addEventListener(
      'pageshow',
      event => {
        if (event.persisted) this.#open();
      },
      { signal },
    );
    this.#open();
  }

  close(): void {
    clearInterval(this.#clock);
    this.#ends.abort();
    this.#source?.close();
  }

  #open(): void {
    this.#source?.close();
    this.#heardAt = performance.now();
    const source = new EventSource(`${apiBase}/events/${encodeURIComponent(this.slug)}/live`);
    this.#source = source;
    source.addEventListener('event', message => {
      const event = read(message.data);
      this.#heard();
      if (event) this.listener.event(event);
    });
    source.addEventListener('beat', message => {
      this.#heard();
      const nodes = leavingOf(message.data);
      if (nodes.length > 0) this.listener.leaving(nodes);
    });
    source.addEventListener('gone', () => {
      this.close();
      this.listener.gone();
    });
    source.addEventListener('error', () => {
      // The browser tries again by itself and says where it was, unless it was refused: then nobody hears more here.
      if (source.readyState === EventSource.CLOSED) this.#failures = mostFailures;
      this.#failed(false);
    });
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#failures = 0;
    if (this.#stale) this.listener.age(0);
    this.#stale = false;
  }

  #look(): void {
    const age = performance.now() - this.#heardAt;
    if (age >= staleAfterMS) {
      this.#stale = true;
      this.listener.age(age);
    }
    if (age >= brokenAfterMS * (this.#failures + 1)) this.#failed(true);
  }

  #failed(again: boolean): void {
    this.#failures++;
    if (this.#failures >= mostFailures) {
      this.close();
      this.listener.deaf();
    } else if (again) {
      const heardAt = this.#heardAt;
      this.#open();
      this.#heardAt = heardAt; // opening is no word
    }
  }
}

function leavingOf(data: unknown): string[] {
  try {
    const beat = typeof data === 'string' ? (JSON.parse(data) as unknown) : undefined;
    if (typeof beat !== 'object' || beat === null || !('leaving' in beat) || !Array.isArray(beat.leaving))
      return [];
    return beat.leaving.filter(node => typeof node === 'string');
  } catch {
    return [];
  }
}

function read(data: unknown): PublicEvent | undefined {
  try {
    return typeof data === 'string' ? eventOf(JSON.parse(data) as unknown) : undefined;
  } catch {
    return undefined; // no JSON: the next one may be
  }
}

/** Waits between attempts: each about twice the last, up to a cap, each drawn at random below its height. */
export class Backoff {
  #attempt = 0;

  constructor(
    private readonly firstMS = 250,
    private readonly mostMS = 8000,
    private readonly random: () => number = Math.random,
  ) {}

  /** The next wait in ms: at least half its height, so that an attempt never follows at once. */
  next(): number {
    const height = Math.min(this.firstMS * 2 ** this.#attempt, this.mostMS);
    this.#attempt++;
    return height * (0.5 + this.random() / 2);
  }

  reset(): void {
    this.#attempt = 0;
  }
}

/** Waits ms; ends early, without error, when the network comes back. Throws signal's reason when it aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      globalThis.removeEventListener('online', done);
      resolve();
    };
    const abort = () => {
      clearTimeout(timer);
      globalThis.removeEventListener('online', done);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', abort, { once: true });
    globalThis.addEventListener('online', done, { once: true });
  });
}

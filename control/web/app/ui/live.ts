/** Figures that live: asked for again and again, and dimmed with their age once they are old. */

/** A figure older than this shows its age. */
export const staleAfterMS = 5000;
const askEveryMS = 2000;

/** Asks by ask every 2 s while the page is seen, and hands on what came, or how old the last answer is. */
export function poll<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  on: { value(value: T): void; age(ms: number): void; failed?(thrown: unknown): void },
): void {
  let last = performance.now();
  const limit = new AbortController();
  const round = async () => {
    if (document.hidden) return;
    try {
      on.value(await ask(limit.signal));
      last = performance.now();
    } catch (thrown) {
      on.failed?.(thrown);
    }
    on.age(performance.now() - last);
  };
  const again = () => {
    void round().then(() => setTimeout(again, askEveryMS));
  };
  again();
  addEventListener('pagehide', event => {
    if (!event.persisted) limit.abort();
  });
}

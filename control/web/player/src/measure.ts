/** How far edges are: one small request to each, all at once. */

/** An edge that control cannot tell from others by distance. */
export interface Probe {
  node: string;
  /** GET is answered at once, with nothing in it. */
  url: string;
}

/** More are not asked, whatever control names. */
const mostProbes = 8;
/** Longest wait for answers: who has none by then is not near. */
const withinMS = 200;
/** After the first answer one waits as long again, and this: whoever takes longer is farther away. */
const moreMS = 20;

/** The round trips to those that answer in time, in ms by node. Never throws. */
export async function measure(
  probes: readonly Probe[],
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const enough = new AbortController();
  const stop = () => {
    enough.abort();
  };
  const began = performance.now();
  const known: Record<string, number> = {};
  let late = setTimeout(stop, withinMS);
  let first = true;
  const ask = async ({ node, url }: Probe) => {
    try {
      known[node] = await roundTrip(url, AbortSignal.any([signal, enough.signal]));
    } catch {
      return; // It is far, away, or cannot be asked: another one is better.
    }
    if (!first) return;
    first = false;
    const took = performance.now() - began;
    clearTimeout(late);
    late = setTimeout(stop, Math.max(0, Math.min(withinMS - took, took + moreMS)));
  };
  await Promise.all(probes.slice(0, mostProbes).map(ask));
  clearTimeout(late);
  return known;
}

/** From a request's first byte to the answer's, without what opened the connection, where the browser tells. */
async function roundTrip(url: string, signal: AbortSignal): Promise<number> {
  const own = new URL(url);
  own.searchParams.set('n', crypto.randomUUID()); // by which its timing is found
  const began = performance.now();
  const response = await fetch(own, { cache: 'no-store', credentials: 'omit', signal });
  if (!response.ok) throw new Error(`status ${response.status}`);
  await response.arrayBuffer();
  const took = performance.now() - began;
  const timing = performance.getEntriesByName(own.href)[0] as Partial<PerformanceResourceTiming> | undefined;
  const { requestStart = 0, responseStart = 0 } = timing ?? {};
  return requestStart > 0 && responseStart >= requestStart ? responseStart - requestStart : took;
}

/** The part of the public API that these pages use, read with care: a page may be older or newer than its node. */
import { problemOf } from '@freshet/player/problem';

export const apiBase = '/api/v1';
const answerWithinMS = 5000;

/** One stream as GET /api/v1/streams tells it. */
export interface Stream {
  id: string;
  live: boolean;
  viewers: number;
  /** Base address of WHIP at its origin; empty where none is chosen. */
  whip: string;
}

export async function listStreams(signal?: AbortSignal): Promise<Stream[]> {
  const body = await ask('/streams', signal);
  const list = Array.isArray(body) ? body : record(body)['streams'];
  return (Array.isArray(list) ? (list as unknown[]) : []).map(streamOf).filter(stream => stream.id !== '');
}

export async function getStream(id: string, signal?: AbortSignal): Promise<Stream> {
  return streamOf(await ask(`/streams/${encodeURIComponent(id)}`, signal));
}

/** Whether nobody has an account here yet. */
export async function setupNeeded(): Promise<boolean> {
  return record(await ask('/setup'))['needed'] === true;
}

async function ask(path: string, signal?: AbortSignal): Promise<unknown> {
  const limit = AbortSignal.timeout(answerWithinMS);
  const response = await fetch(apiBase + path, {
    headers: { Accept: 'application/json' },
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
  if (!response.ok) throw await problemOf(response);
  return response.json() as Promise<unknown>;
}

/** Reads one stream. Exported for its test. */
export function streamOf(value: unknown): Stream {
  const stream = record(value);
  const whip = record(stream['origin'])['whip'];
  return {
    id: typeof stream['id'] === 'string' ? stream['id'] : '',
    live: stream['live'] === true,
    viewers: typeof stream['viewers'] === 'number' ? stream['viewers'] : 0,
    whip: typeof whip === 'string' ? whip : '',
  };
}

function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}

/** The address to publish a stream at, for ever: control sends on to the origin that it has now. */
export function whipOf(id: string): string {
  return new URL(`/whip/${id}`, location.origin).href;
}

/** The part of the page's path after prefix: "/e/my-event" gives "my-event". */
export function slugOf(path: string): string {
  try {
    return decodeURIComponent(path.split('/')[2] ?? '');
  } catch {
    return '';
  }
}

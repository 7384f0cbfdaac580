/** The way of media to an edge: a real session with the one that this viewer would get. */
import { Peer } from '@freshet/player/peer';
import { Problem, asProblem } from '@freshet/player/problem';
import { apiBase } from '../ui/api';

const answerWithinMS = 5000;

export type Way =
  | { is: 'ok'; edge: string; ms: number }
  /** Nothing that anybody may watch is on the air, or no edge has room. */
  | { is: 'untested' }
  /** host is where nothing came through to. */
  | { is: 'bad'; host: string };

/** Looks for a stream that is on the air and open to all, joins it, and leaves again. Throws a Problem of control's. */
export async function tryWay(signal: AbortSignal): Promise<Way> {
  const event = list(await ask('/streams', signal)).find(stream => stream['live'] === true)?.['event'];
  if (typeof event !== 'string') return { is: 'untested' };
  let answer: Record<string, unknown>;
  try {
    answer = record(await ask(`/events/${encodeURIComponent(event)}/join`, signal, 'POST'));
  } catch (thrown) {
    if (asProblem(thrown).status >= 400) return { is: 'untested' }; // it ended, or wants more than a name
    throw thrown;
  }
  const [stream] = list(answer['streams']);
  const [edge] = list(answer['edges']);
  if (!stream || !edge) return { is: 'untested' };
  const whep = new URL(
    `${text(edge['whep']).replace(/\/$/, '')}/${encodeURIComponent(text(stream['id']))}`,
    location.href,
  );
  return session(whep, text(edge['node']), text(answer['token']), signal);
}

async function session(whep: URL, node: string, token: string, signal: AbortSignal): Promise<Way> {
  let peer: Peer | undefined;
  try {
    const from = performance.now();
    peer = await Peer.open({ node, region: '', whep: whep.href }, token, signal);
    await peer.connected(signal);
    return { is: 'ok', edge: node, ms: performance.now() - from };
  } catch (thrown) {
    signal.throwIfAborted();
    const { status } = asProblem(thrown);
    return status >= 400 ? { is: 'untested' } : { is: 'bad', host: whep.hostname };
  } finally {
    peer?.close();
  }
}

/** How long this site takes to answer, in ms. Throws a Problem where it does not. */
export async function trySite(signal: AbortSignal): Promise<number> {
  const from = performance.now();
  await ask('/setup', signal);
  return performance.now() - from;
}

async function ask(path: string, signal: AbortSignal, method = 'GET'): Promise<unknown> {
  const response = await fetch(apiBase + path, {
    method,
    headers: {
      Accept: 'application/json',
      ...(method === 'POST' ? { 'Content-Type': 'application/json' } : {}),
    },
    ...(method === 'POST' ? { body: '{}' } : {}),
    cache: 'no-store',
    signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMS)]),
  });
  if (!response.ok) throw new Problem('refused', response.status, response.statusText);
  return (await response.json()) as unknown;
}

function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Where a viewer's edges come from: written on the element, or asked of control. */
import { type Edge } from './edges';
import { type Probe, measure } from './measure';
import { Problem, asProblem, problemOf } from './problem';
import { authorization } from './resource';

export interface Plan {
  /** The viewer's session, as control names it; empty without control. */
  session: string;
  /** Bearer for the edges; empty for an open stream. */
  token: string;
  /** When token runs out, in ms since 1970; undefined where it does not. */
  expires: number | undefined;
  edges: Edge[];
}

/** Asks for a plan; failed are nodes of edges that are not wanted. Throws a Problem. */
export type Source = (signal: AbortSignal, failed: readonly string[]) => Promise<Plan>;

/** Longest wait for control: its answer comes from memory. */
const joinWithinMS = 5000;
/** Longest time that a better choice of edges may cost before the first picture: measuring, and joining again. */
const choiceWithinMS = 300;

/** The addresses of src, ranked, separated by spaces; relative ones are resolved against base. */
export function fixed(src: string, token: string, base: string): Source {
  const addresses = src.split(/\s+/).filter(address => address !== '');
  return async () => {
    if (addresses.length === 0) throw new Problem('address', 404, 'No address to play');
    const edges = addresses.map(address => ({ node: '', region: '', whep: absolute(address, base) }));
    return Promise.resolve({ session: '', token, expires: undefined, edges });
  };
}

/** Throws a Problem that is final: written wrongly, an address stays so. */
function absolute(address: string, base: string): string {
  if (!URL.canParse(address, base)) throw new Problem('address', 404, 'Not an address', address);
  return new URL(address, base).href;
}

/** Which of an event's streams is wanted; empty is any. An id counts more than a language. */
export interface Choice {
  stream: string;
  language: string;
}

/**
 * Joins an event: POST {api}/events/{slug}/join, at first with token, later with the one that the last answer gave.
 * Where that one ran out, it begins with token again: an open event needs none. Where control names edges to be
 * measured, it joins again with what was found.
 */
export function joined(api: string, slug: string, wanted: Choice, token: string, base: string): Source {
  let bearer = token;
  let rtt: Record<string, number> = {};
  const join = async (hints: Hints, signal: AbortSignal) => {
    const url = absolute(`${api.replace(/\/$/, '')}/events/${encodeURIComponent(slug)}/join`, base);
    const ask = (body: Hints) =>
      fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...authorization(bearer) },
        body: JSON.stringify(body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(joinWithinMS)]),
      });
    let response = await ask(hints);
    if (response.status === 400) response = await ask({}); // a control node older than this player knows no hints
    if (response.status === 401 && bearer !== token) {
      bearer = token;
      response = await ask(hints);
    }
    if (!response.ok) throw await problemOf(response);
    const answer = (await response.json()) as unknown;
    const plan = planOf(answer, wanted);
    if (plan.token !== '') bearer = plan.token;
    return { plan, probes: probesOf(answer) };
  };
  return async (signal, failed) => {
    if (failed.length > 0) rtt = {}; // the way to others may have changed, too
    const { plan, probes } = await join(hintsOf(rtt, failed), signal);
    if (probes.length === 0) return plan;
    const soon = AbortSignal.any([signal, AbortSignal.timeout(choiceWithinMS)]);
    rtt = await measure(probes, soon);
    if (Object.keys(rtt).length === 0) return plan;
    try {
      return (await join(hintsOf(rtt, failed), soon)).plan;
    } catch {
      signal.throwIfAborted();
      return plan; // it took too long, or control is away by now: the first choice plays, too
    }
  };
}

/** What a join tells of the way to edges. */
interface Hints {
  rtt?: Record<string, number>;
  failed?: readonly string[];
}

function hintsOf(rtt: Record<string, number>, failed: readonly string[]): Hints {
  return {
    ...(Object.keys(rtt).length > 0 ? { rtt } : {}),
    ...(failed.length > 0 ? { failed } : {}),
  };
}

/** Reads the edges to be measured out of the answer of a join. Exported for its test. */
export function probesOf(body: unknown): Probe[] {
  return list(record(body)['probes'])
    .map(probe => ({ node: string(probe['node']), url: string(probe['url']) }))
    .filter(({ node, url }) => node !== '' && /^https?:/.test(url) && URL.canParse(url));
}

/** Reads the answer of a join. Exported for its test. */
export function planOf(body: unknown, { stream, language }: Choice): Plan {
  const answer = record(body);
  const streams = list(answer['streams']).map(s => ({
    id: string(s['id']),
    language: string(s['language']),
  }));
  const spoken = (tag: string) => tag.toLowerCase().split('-')[0];
  const chosen =
    streams.find(({ id }) => id === stream) ??
    (language === ''
      ? undefined
      : (streams.find(s => s.language === language) ??
        streams.find(s => spoken(s.language) === spoken(language)))) ??
    streams[0];
  const id = chosen?.id ?? '';
  const edges = list(answer['edges'])
    .map(edge => ({
      node: string(edge['node']),
      region: string(edge['region']),
      whep: `${string(edge['whep']).replace(/\/$/, '')}/${encodeURIComponent(id)}`,
    }))
    .filter(edge => /^https?:/.test(edge.whep));
  if (id === '') throw new Problem('answer', 200, 'The event has no stream');
  const expires = Date.parse(string(answer['expires']));
  return {
    session: string(answer['session']),
    token: string(answer['token']),
    expires: Number.isNaN(expires) ? undefined : expires,
    edges,
  };
}

function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Whether asking the same again would get the same answer. atJoin: control was asked, not an edge. */
export function isFinal(thrown: unknown, atJoin: boolean): boolean {
  const { status, kind } = asProblem(thrown);
  if (kind === 'joins-limit') return true; // two live already: a third helps nobody
  if (atJoin) return status >= 400 && status < 500 && status !== 408 && status !== 409 && status !== 429;
  return [400, 401, 403, 405, 406, 413, 415, 422].includes(status);
}

/** Whether the stream is not on the air: known but silent, or not (yet) known to the edges. */
export function isAbsent(thrown: unknown): boolean {
  const { status } = asProblem(thrown);
  return status === 404 || status === 409;
}

/** One event as its pages share it: read again and again by the frame, written by all of them. */
import { type QueryClient, queryOptions, useQueryClient } from '@tanstack/react-query';
import { notFound } from '@tanstack/react-router';
import { createContext, use } from 'react';
import { client } from '../shell/api';
import { ApiProblem, renamed } from '../shell/problem';
import type { components } from '../shell/schema';

export type EventDetails = components['schemas']['EventDetails'];
export type EventStream = components['schemas']['EventStream'];
export type EventUser = components['schemas']['EventUser'];
export type State = EventDetails['state'];
export type Step = EventDetails['steps'][number];
export type Act = EventDetails['may'][number];

/** An event with the version that a change must name. */
export interface KnownEvent extends EventDetails {
  etag: string;
}

export function knownOf(event: EventDetails | undefined, response: Response): KnownEvent {
  if (!event) throw new TypeError('an answer without an event');
  return { ...event, etag: response.headers.get('ETag') ?? '' };
}

export function eventQuery(id: string) {
  return queryOptions({
    queryKey: ['event', id],
    queryFn: async ({ signal }) => {
      const { data, response } = await client.GET('/api/v1/events/{id}', {
        signal,
        params: { path: { id } },
      });
      return knownOf(data, response);
    },
    staleTime: 1000,
  });
}

/** Whether thrown says that there is no such event, or no longer. */
export function isNone(thrown: unknown): boolean {
  return thrown instanceof ApiProblem && (thrown.status === 404 || thrown.status === 422);
}

/** Reads the event before its pages come. What fails otherwise is for the pages to say. */
export async function loadEvent(queries: QueryClient, id: string): Promise<void> {
  try {
    await queries.query({ ...eventQuery(id), staleTime: 'static' });
  } catch (thrown) {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- this is how the router is told that it is nowhere
    if (isNone(thrown)) throw notFound();
  }
}

/** Whether something may be on the air, or is about to be. */
export function isHot(state: State): boolean {
  return state === 'preparation' || state === 'live';
}

/** Whether nobody is written to about it any more. */
export function isOver(state: State): boolean {
  return state === 'ended' || state === 'archived' || state === 'cancelled';
}

/** The page that sends from this browser; it asks for the key where the fragment, which no server sees, brings none. */
export function liveLink({ id, key }: { id: string; key?: string | undefined }): string {
  return `/live/${id}${key === undefined ? '' : `#key=${encodeURIComponent(key)}`}`;
}

/** How long after one answer the event is asked for again. */
export function askAgainMS(state: State | undefined): number {
  return state !== undefined && isHot(state) ? 2000 : 10_000;
}

export const EventContext = createContext<KnownEvent | undefined>(undefined);

/** The event that the page is about. */
export function useEvent(): KnownEvent {
  const event = use(EventContext);
  if (!event) throw new Error('no event around this component');
  return event;
}

export function mayIn(event: Pick<EventDetails, 'may'>, act: Act): boolean {
  return event.may.includes(act);
}

/** Puts what the server answered to a change in place at once; an answer that is under way may be older. */
export function useKeep(): (event: KnownEvent) => Promise<void> {
  const queries = useQueryClient();
  return async event => {
    const { queryKey } = eventQuery(event.id);
    await queries.cancelQueries({ queryKey });
    queries.setQueryData(queryKey, event);
    await forgetLists(queries);
  };
}

/** What other pages know of events is old now. */
export async function forgetLists(queries: QueryClient): Promise<void> {
  await queries.invalidateQueries({ queryKey: ['get', '/api/v1/events'] });
}

/** "Full" is said of members too, with another number. */
export function fullOf(
  thrown: unknown,
  kind: 'full-streams' | 'full-users' | 'full-places' | 'full-guests',
): ApiProblem {
  return renamed(thrown, { full: kind });
}

/** Nine digits in threes, on one line. */
export function inThrees(number: string): string {
  return number.replace(/(\d{3})(?=\d)/g, '$1\u00a0');
}

/** What the state leads to; it has the filled button. */
export function mainStep(state: State, steps: readonly Step[]): Step | undefined {
  const next: Partial<Record<State, Step>> = { scheduled: 'prepare', preparation: 'start', live: 'end' };
  return steps.find(step => step === next[state]);
}

/** Languages by their names; a tag that the browser does not know as itself. */
export function languageName(tag: string, language: string): string {
  try {
    return new Intl.DisplayNames(language, { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** One webhook as its page shares it, and what is said of webhooks. */
import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { notFound } from '@tanstack/react-router';
import { type Webhook, api, client } from '../shell/api';
import { ApiProblem } from '../shell/problem';

/** A webhook with the version that a change must name. */
export interface KnownWebhook extends Webhook {
  etag: string;
}

/** In the order in which they are offered. */
export const hookKinds = [
  'event.created',
  'event.changed',
  'event.started',
  'event.ended',
  'event.cancelled',
  'event.deleted',
  'guest.registered',
  'viewer.entered',
] as const satisfies readonly Webhook['kinds'][number][];

export function knownHook(hook: Webhook | undefined, response: Response): KnownWebhook {
  if (!hook) throw new TypeError('an answer without a webhook');
  return { ...hook, etag: response.headers.get('ETag') ?? '' };
}

export function hookQuery(id: string) {
  return queryOptions({
    queryKey: ['webhook', id],
    queryFn: async ({ signal }) => {
      const { data, response } = await client.GET('/api/v1/webhooks/{id}', {
        signal,
        params: { path: { id } },
      });
      return knownHook(data, response);
    },
  });
}

/** The webhook and the list are read again. */
export async function hookChanged(queries: QueryClient, id: string): Promise<void> {
  await Promise.all([
    queries.invalidateQueries(hookQuery(id)),
    queries.invalidateQueries(api.queryOptions('get', '/api/v1/webhooks')),
    queries.invalidateQueries({ queryKey: ['get', '/api/v1/webhooks/{id}/deliveries'] }),
  ]);
}

/** Reads the webhook before its page comes. What fails otherwise is for the page to say. */
export async function loadHook(queries: QueryClient, id: string): Promise<void> {
  try {
    await queries.query({ ...hookQuery(id), staleTime: 'static' });
  } catch (thrown) {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- this is how the router is told that it is nowhere
    if (thrown instanceof ApiProblem && (thrown.status === 404 || thrown.status === 422)) throw notFound();
  }
}

/** The host that an address leads to; the address itself where it cannot be read. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

export type HookState = 'on' | 'off' | 'failing';

export function hookState({ offAt, failingSince }: Pick<Webhook, 'offAt' | 'failingSince'>): HookState {
  if (offAt !== null) return 'off';
  return failingSince === null ? 'on' : 'failing';
}

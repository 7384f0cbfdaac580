/** How an account or an event looks: read, changed and given pictures. */
import { queryOptions } from '@tanstack/react-query';
import { client, upload } from '../shell/api';
import type { components } from '../shell/schema';

export type BrandSettings = components['schemas']['BrandSettings'];
export type BrandEdit = components['schemas']['BrandEdit'];
export type Picture = 'logo' | 'background';

/** Bytes that a picture may have, as the server counts them. */
export const mostBytes: Record<Picture, number> = { logo: 512 * 1024, background: 1024 * 1024 };
export const pictureTypes = ['image/png', 'image/jpeg', 'image/webp'] as const;

/** A look with the version that a change must name. */
export interface Look extends BrandSettings {
  etag: string;
}

function lookOf(settings: BrandSettings | undefined, response: Response): Look {
  if (!settings) throw new TypeError('an answer without a look');
  return { ...settings, etag: response.headers.get('ETag') ?? '' };
}

/** Whose look it is: the account's, or that of the event with an id. */
export type Subject = string | undefined;

export function lookQuery(subject: Subject) {
  return queryOptions({
    queryKey: ['look', subject ?? 'account'],
    queryFn: async ({ signal }) => {
      const { data, response } = await (subject === undefined
        ? client.GET('/api/v1/account/brand', { signal })
        : client.GET('/api/v1/events/{id}/brand', { signal, params: { path: { id: subject } } }));
      return lookOf(data, response);
    },
  });
}

export async function editLook(subject: Subject, body: BrandEdit, etag: string): Promise<Look> {
  const header = { 'If-Match': [etag] };
  const { data, response } = await (subject === undefined
    ? client.PATCH('/api/v1/account/brand', { body, params: { header } })
    : client.PATCH('/api/v1/events/{id}/brand', { body, params: { path: { id: subject }, header } }));
  return lookOf(data, response);
}

/** Sends a picture; told is called with what share of it has left. */
export async function sendPicture(
  subject: Subject,
  picture: Picture,
  file: File,
  etag: string,
  told: (share: number) => void,
): Promise<Look> {
  const whose = subject === undefined ? '/api/v1/account' : `/api/v1/events/${subject}`;
  const response = await upload(`${whose}/brand/${picture}`, file, { 'If-Match': etag }, told);
  return lookOf((await response.json()) as BrandSettings, response);
}

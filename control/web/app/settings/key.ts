/** What the form of a new API key holds, and what of it the API is told. */
import { momentOf } from '../calendar/zone';
import { type APIKey } from '../shell/api';
import type { components } from '../shell/schema';

export interface KeyDraft {
  name: string;
  scope: APIKey['scopes'][number];
  /** On clocks in the person's time zone, as a datetime-local input has it; empty for none. */
  expiresAt: string;
}

/** write alone may read, too. */
export function keyBody(draft: KeyDraft, timeZone: string): components['schemas']['MakeInBody'] {
  const ends = momentOf(draft.expiresAt, timeZone);
  return {
    name: draft.name,
    scopes: [draft.scope],
    ...(Number.isNaN(ends) ? {} : { expiresAt: new Date(ends).toISOString() }),
  };
}

/** Whether a key has ended by at, in ms since 1970. */
export function hasEnded({ expiresAt }: Pick<APIKey, 'expiresAt'>, at: number): boolean {
  return expiresAt !== null && Date.parse(expiresAt) <= at;
}

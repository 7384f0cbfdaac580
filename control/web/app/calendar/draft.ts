/** What the form of a new event holds, and what of it the API is told. */
import { type EventKind, type EventLine } from '../shell/api';
import type { components } from '../shell/schema';
import { momentOf } from './zone';

export type AccessRule = EventLine['access'];

export interface Draft {
  title: string;
  kind: EventKind;
  /** On clocks in timeZone, as a datetime-local input has it; empty for none. */
  startsAt: string;
  endsAt: string;
  timeZone: string;
  languages: string[];
  access: AccessRule;
  password: string;
  description: string;
}

export const kinds: readonly EventKind[] = ['webcast', 'webinar', 'meeting', 'permanent'];
export const rules: readonly AccessRule[] = ['open', 'password', 'token', 'registration'];

export function kindOf(value: unknown): EventKind | undefined {
  return kinds.find(kind => kind === value);
}

/** A moment for the API; undefined where none was chosen. */
function moment(local: string, timeZone: string): string | undefined {
  const at = momentOf(local, timeZone);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

/** A permanent room is open from now on, and has no times of its own. */
export function bodyOf(draft: Draft): components['schemas']['CreateEventInBody'] {
  const timed = draft.kind !== 'permanent';
  const startsAt = timed ? moment(draft.startsAt, draft.timeZone) : undefined;
  const endsAt = timed ? moment(draft.endsAt, draft.timeZone) : undefined;
  const { title, kind, timeZone, languages, access, description } = draft;
  return {
    title,
    kind,
    timeZone,
    languages,
    access,
    description,
    ...(startsAt === undefined ? {} : { startsAt }),
    ...(endsAt === undefined ? {} : { endsAt }),
    ...(access === 'password' ? { password: draft.password } : {}),
  };
}

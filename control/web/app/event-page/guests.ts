/** The guests of an event, as its page shows them. */
import { type QueryClient } from '@tanstack/react-query';
import type { components } from '../shell/schema';

type Shown = components['schemas']['EventGuest'];

/** The last mail is null where none was sent, which the description of the API cannot say. */
export type Guest = Omit<Shown, 'mail'> & { mail: Shown['mail'] | null };
export type Source = Guest['source'];
export type GuestState = Guest['state'];

export const sources: readonly Source[] = ['added', 'imported', 'registered'];
export const states = ['in', 'waiting', 'refused'] as const satisfies readonly GuestState[];

/** Which guests are looked at, as it stands in the address. */
export interface Search {
  search?: string;
  source?: Source;
  state?: (typeof states)[number];
  cursor?: string;
}

export function searchOf(given: Readonly<Partial<Record<keyof Search, unknown>>>): Search {
  const source = sources.find(known => known === given['source']);
  const state = states.find(known => known === given['state']);
  const text = (name: keyof Search) => (typeof given[name] === 'string' ? given[name] : '');
  return {
    ...(text('search') === '' ? {} : { search: text('search').slice(0, 200) }),
    ...(source === undefined ? {} : { source }),
    ...(state === undefined ? {} : { state }),
    ...(text('cursor') === '' ? {} : { cursor: text('cursor') }),
  };
}

/** The search with part of it changed, from its first page on; an empty part narrows nothing. */
export function narrowed(search: Search, part: Partial<Record<keyof Search, string>>): Search {
  return searchOf({ ...search, ...part, cursor: undefined });
}

/** The rows that stay in view, with what is newest of each, and how many came meanwhile: nothing moves under a finger. */
export function held(shown: readonly Guest[], latest: readonly Guest[]): { rows: Guest[]; fresh: number } {
  const now = new Map(latest.map(guest => [guest.id, guest]));
  const then = new Set(shown.map(({ id }) => id));
  return {
    rows: shown.map(guest => now.get(guest.id) ?? guest),
    fresh: latest.filter(({ id }) => !then.has(id)).length,
  };
}

/**
 * Whether somebody has begun to do something with list: it is scrolled, a pointer or the focus is in it, or something
 * lies over it.
 */
export function inUse(list: HTMLElement): boolean {
  return (
    list.getBoundingClientRect().top < 0 ||
    list.matches(':hover, :focus-within, :has([aria-expanded="true"], [open])') ||
    document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]') !== null
  );
}

/** What is known of the lists of guests of an event is old now. */
export async function forgetGuests(queries: QueryClient): Promise<void> {
  await Promise.all(
    (['/api/v1/events/{id}/guests', '/api/v1/events/{id}/guests/log'] as const).map(path =>
      queries.invalidateQueries({ queryKey: ['get', path] }),
    ),
  );
}

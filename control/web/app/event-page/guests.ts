/** The guests of an event, as its page shows them. */
import { type QueryClient } from '@tanstack/react-query';
import { type Key, type T } from '../shell/words';
import type { components } from '../shell/schema';

type Shown = components['schemas']['EventGuest'];

/** The last mail is null where none was sent, which the description of the API cannot say. */
export type Guest = Omit<Shown, 'mail'> & { mail: Shown['mail'] | null };
export type NewGuest = components['schemas']['NewPerson'];
export type Report = components['schemas']['AddReport'];
export type BadLine = components['schemas']['BadLine'];
export type Source = Guest['source'];
export type GuestState = Guest['state'];

export const sources: readonly Source[] = ['added', 'imported', 'registered'];
export const states = ['in', 'waiting', 'refused'] as const satisfies readonly GuestState[];

/** So many can be added at once by hand; more come in a file. */
export const mostAtOnce = 1000;
/** A file may have so many bytes. */
export const mostBytes = 4 << 20;

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

/**
 * The guests that were typed or pasted, one a line: "ana@delta.example", "Ana Silva <ana@delta.example>", "Ana Silva,
 * ana@delta.example" or, as mail programs have it, several on a line with commas or semicolons between them. What has
 * no address is left as it is, for the server to say so.
 */
export function guestsIn(text: string): NewGuest[] {
  return text
    .split(/[\n;]/)
    .flatMap(line => (line.split('@').length > 2 ? line.split(',') : [line]))
    .map(part => part.trim())
    .filter(part => part !== '')
    .map(guestOf);
}

function guestOf(part: string): NewGuest {
  const bracketed = /^(.*)<([^<>]*)>\s*$/.exec(part);
  const email = bracketed?.[2] ?? part.split(/[\s,]+/).find(word => word.includes('@')) ?? part;
  const name = (bracketed?.[1] ?? part.replace(email, '')).replace(/^[\s,"']+|[\s,"']+$/g, '');
  return name === '' ? { email: email.trim() } : { name, email: email.trim() };
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

const reasons: Record<string, Key> = {
  'There is no address.': 'guests.bad.none',
  'This is not an email address.': 'guests.bad.address',
  'The name is longer than 80 characters.': 'guests.bad.name',
  'The language is no tag of BCP 47, such as en or fr-CA.': 'guests.bad.language',
};

/** Why a line was not taken, in words; the server's own where it has none here. */
export function reasonOf(reason: string, t: T): string {
  const key = reasons[reason];
  return key === undefined ? reason : t(key);
}

/** The lines that a refused file is wrong in: "/line/12". */
export function badLinesOf(fields: readonly { pointer: string; detail: string }[]): BadLine[] {
  return fields.flatMap(({ pointer, detail }) => {
    const line = /^\/line\/(\d+)$/.exec(pointer)?.[1];
    return line === undefined ? [] : [{ line: Number(line), reason: detail }];
  });
}

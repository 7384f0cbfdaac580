/** What is typed on the page that edits an event, and what it says to the API. */
import { ApiProblem } from '../shell/problem';
import type { components } from '../shell/schema';
import { type EventDetails } from './event';
import { localOf, momentOf } from '../calendar/zone';

export type EventFields = components['schemas']['EventFields'];

export interface Item {
  /** Minutes after the start, as typed. */
  at: string;
  title: string;
  text: string;
}

/** A field of the form of registration. */
export interface Asked {
  /** What its answers hang on; undefined for a new one. */
  id: string | undefined;
  label: string;
  kind: Kind;
  /** One a line, as typed; of a choice. */
  options: string;
  required: boolean;
}

export type Kind = EventDetails['form'][number]['kind'];
export const kinds: readonly Kind[] = ['text', 'choice', 'checkbox', 'consent'];

export interface Values {
  title: string;
  description: string;
  starts: string;
  ends: string;
  timeZone: string;
  languages: string[];
  access: EventDetails['access'];
  /** A new one; the one that was chosen is shown to nobody. */
  password: string;
  agenda: Item[];
  lobby: string;
  form: Asked[];
  /** As typed; empty for any number. */
  cap: string;
  approval: boolean;
}

export const names = [
  'title',
  'description',
  'starts',
  'ends',
  'timeZone',
  'languages',
  'access',
  'password',
  'agenda',
  'lobby',
  'form',
  'cap',
  'approval',
] as const satisfies readonly (keyof Values)[];

export function valuesOf(event: EventDetails): Values {
  const { title, description, timeZone, languages, access, agenda, lobby, form, cap, approval } = event;
  return {
    title,
    description,
    starts: localOf(Date.parse(event.startsAt), timeZone),
    ends: event.endsAt === null ? '' : localOf(Date.parse(event.endsAt), timeZone),
    timeZone,
    languages: [...languages],
    access,
    password: '',
    agenda: agenda.map(item => ({ at: String(item.at), title: item.title, text: item.text ?? '' })),
    lobby,
    form: form.map(({ id, label, kind, options, required }) => ({
      id,
      label,
      kind,
      options: (options ?? []).join('\n'),
      required: required === true,
    })),
    cap: cap === null ? '' : String(cap),
    approval,
  };
}

/** The names of what differs. */
export function differing(a: Values, b: Values): (keyof Values)[] {
  return names.filter(name => JSON.stringify(a[name]) !== JSON.stringify(b[name]));
}

/** What was typed since base, over what is saved now: both of two persons who changed different things are right. */
export function merged(base: Values, typed: Values, saved: Values): Values {
  const mine = differing(base, typed);
  return Object.fromEntries(
    names.map(name => [name, mine.includes(name) ? typed[name] : saved[name]]),
  ) as unknown as Values;
}

/** What to send: only what was typed, so that nothing else is rounded or set back. */
export function fieldsOf(base: Values, typed: Values): EventFields {
  const changed = new Set(differing(base, typed));
  const { title, description, timeZone, languages, access, password, lobby } = typed;
  const fields: EventFields = {};
  if (changed.has('title')) fields.title = title;
  if (changed.has('description')) fields.description = description;
  // In another zone the same clock is another moment.
  if (changed.has('starts') || changed.has('timeZone')) fields.startsAt = isoOf(typed.starts, timeZone) ?? '';
  if (changed.has('ends') || (changed.has('timeZone') && typed.ends !== ''))
    fields.endsAt = isoOf(typed.ends, timeZone);
  if (changed.has('timeZone')) fields.timeZone = timeZone;
  if (changed.has('languages')) fields.languages = languages;
  if (changed.has('access')) fields.access = access;
  if (password !== '') fields.password = password;
  if (changed.has('agenda'))
    fields.agenda = typed.agenda.map(item => ({
      at: /^\d+$/.test(item.at.trim()) ? Number(item.at) : -1, // the API says what is wrong with it
      title: item.title,
      text: item.text,
    }));
  if (changed.has('lobby')) fields.lobby = lobby;
  if (changed.has('form')) fields.form = typed.form.map(askedOf);
  // The API says what is wrong with a number that is none.
  if (changed.has('cap')) fields.cap = typed.cap.trim() === '' ? null : wholeOf(typed.cap);
  if (changed.has('approval')) fields.approval = typed.approval;
  return fields;
}

function wholeOf(typed: string): number {
  const bare = typed.replace(/[\s,.]/g, '');
  return /^\d+$/.test(bare) ? Number(bare) : 0;
}

function askedOf({ id, label, kind, options, required }: Asked): NonNullable<EventFields['form']>[number] {
  return {
    ...(id === undefined ? {} : { id }),
    label: label.trim(),
    kind,
    required,
    ...(kind === 'choice'
      ? {
          options: options
            .split('\n')
            .map(option => option.trim())
            .filter(option => option !== ''),
        }
      : {}),
  };
}

/** The moment that local is in timeZone, as the API writes it; null for none. */
function isoOf(local: string, timeZone: string): string | null {
  const moment = momentOf(local, timeZone);
  return Number.isNaN(moment) ? null : new Date(moment).toISOString();
}

/** The problem with its places by the names that the form has for them. */
export function placed(problem: ApiProblem): ApiProblem {
  const own: Record<string, string> = { startsAt: 'starts', endsAt: 'ends' };
  const fields = problem.fields.map(({ pointer, detail }) => ({
    pointer: pointer.replace(/^\/(\w+)/, (_, name: string) => `/${own[name] ?? name}`),
    detail,
  }));
  return new ApiProblem(problem, fields);
}

/** The inputs of a list that a problem names: "2/title". */
export function wrongItems(
  problem: ApiProblem | undefined,
  list: 'agenda' | 'form' = 'agenda',
): ReadonlySet<string> {
  const place = new RegExp(`^/${list}/(\\d+/(?:at|title|text|label|kind|options))`);
  const found = (problem?.fields ?? []).map(field => place.exec(field.pointer)?.[1]);
  return new Set(found.filter(at => at !== undefined));
}

/** The list with the item at from at to; as it is where either is no place of it. */
export function moved<I>(list: readonly I[], from: number, to: number): I[] {
  const all = [...list];
  if (!(from in all && to in all)) return all;
  all.splice(to, 0, ...all.splice(from, 1));
  return all;
}

/** What anybody may know of an event, read with care: a page may be older or newer than its node. */
import { problemOf } from '@freshet/player/problem';
import { apiBase } from '../ui/api';
import { type Brand, brandOf } from '../ui/brand';

const answerWithinMS = 5000;
/** A clock that is off by less is right: the server tells whole seconds. */
const skewFromMS = 2000;

export type State = 'scheduled' | 'preparation' | 'live' | 'ended' | 'cancelled';
const states: readonly State[] = ['scheduled', 'preparation', 'live', 'ended', 'cancelled'];

/** Who may come in. */
export type Rule = 'open' | 'password' | 'token' | 'registration';
const rules: readonly Rule[] = ['open', 'password', 'token', 'registration'];

/** What the form of the event asks, next to a name and an address. */
export interface Question {
  id: string;
  label: string;
  kind: 'text' | 'choice' | 'checkbox' | 'consent';
  /** Of a choice. */
  options: string[];
  required: boolean;
}
const kinds: readonly Question['kind'][] = ['text', 'choice', 'checkbox', 'consent'];

export type Registration = 'closed' | 'open' | 'waiting-list';
const registrations: readonly Registration[] = ['closed', 'open', 'waiting-list'];

export interface AgendaItem {
  /** Minutes after the start. */
  at: number;
  title: string;
  text: string;
}

export interface PublicEvent {
  slug: string;
  number: string;
  link: string;
  permanent: boolean;
  title: string;
  description: string;
  languages: string[];
  /** Milliseconds since 1970. */
  startsAt: number;
  endsAt: number | undefined;
  timeZone: string;
  /** Undefined where it is one that this page does not know. */
  state: State | undefined;
  agenda: AgendaItem[];
  lobby: string;
  brand: Brand;
  /** Whether any site may show it. */
  embeddable: boolean;
  access: Rule;
  form: Question[];
  registration: Registration;
  /** Whoever registers waits for an organizer. */
  approval: boolean;
}

export interface Answer {
  event: PublicEvent;
  /** How far the server's clock is ahead of this one, in ms. */
  skew: number;
}

export function eventBySlug(slug: string): Promise<Answer> {
  return ask(`by-slug/${encodeURIComponent(slug)}`);
}

export function eventByNumber(number: string): Promise<Answer> {
  return ask(`by-number/${number}`);
}

/** Where the event's calendar file is. */
export function calendarOf(slug: string): string {
  return `${apiBase}/public/events/by-slug/${encodeURIComponent(slug)}/calendar`;
}

async function ask(path: string): Promise<Answer> {
  const response = await fetch(`${apiBase}/public/events/${path}`, {
    headers: { Accept: 'application/json' },
    cache: 'no-store',
    signal: AbortSignal.timeout(answerWithinMS),
  });
  if (!response.ok) throw await problemOf(response);
  const skew = skewOf(response.headers.get('Date'), Date.now());
  return { event: eventOf((await response.json()) as unknown), skew };
}

/** How far the clock that wrote header is ahead of now. */
export function skewOf(header: string | null, now: number): number {
  const skew = header === null ? NaN : Date.parse(header) - now;
  return Math.abs(skew) >= skewFromMS ? skew : 0;
}

/** Reads an event. Exported for its test. */
export function eventOf(value: unknown): PublicEvent {
  const event = record(value);
  const starts = moment(event['startsAt']);
  return {
    slug: string(event['slug']),
    number: string(event['number']),
    link: string(event['link']),
    permanent: event['kind'] === 'permanent',
    title: string(event['title']),
    description: string(event['description']),
    languages: list(event['languages']).map(string),
    startsAt: starts ?? 0,
    endsAt: moment(event['endsAt']),
    timeZone: zoneOf(string(event['timeZone'])),
    state: states.find(state => state === event['state']),
    agenda: list(event['agenda']).map(item => {
      const { at, title, text } = record(item);
      return { at: typeof at === 'number' ? at : 0, title: string(title), text: string(text) };
    }),
    lobby: string(event['lobby']),
    brand: brandOf(event['brand']),
    embeddable: event['embed'] !== 'listed' && event['embed'] !== 'nowhere',
    access: rules.find(rule => rule === event['access']) ?? 'open',
    form: list(event['form']).map(questionOf),
    registration: registrations.find(known => known === event['registration']) ?? 'closed',
    approval: event['approval'] === true,
  };
}

/** A kind that this page does not know is a line of text. */
function questionOf(value: unknown): Question {
  const question = record(value);
  return {
    id: string(question['id']),
    label: string(question['label']),
    kind: kinds.find(kind => kind === question['kind']) ?? 'text',
    options: list(question['options']).map(string),
    required: question['required'] === true,
  };
}

/** The zone, or UTC where this browser does not know it. */
export function zoneOf(name: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return 'UTC';
  }
}

function moment(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

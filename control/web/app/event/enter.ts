/** The door of an event: who comes in, and the token that lets them watch. */
import { authorization } from '@freshet/player/resource';
import { apiBase } from '../ui/api';
import { apiProblemOf } from '../ui/refusal';

const answerWithinMS = 10_000;

/** How somebody came in. */
export type Way = 'open' | 'password' | 'pass' | 'direct';
const ways: readonly Way[] = ['open', 'password', 'pass', 'direct'];

/** What somebody shows at the door. */
export interface Knock {
  name?: string;
  email?: string;
  /** BCP 47 */
  language?: string;
  password?: string;
  /** The secret of a personal link. */
  pass?: string;
  /** The code of a link that leads in directly. */
  direct?: string;
  /** Ends what the same pass lets somebody watch elsewhere. */
  here?: true;
}

/** A stay at an event. */
export interface Entry {
  session: string;
  token: string;
  /** In ms since 1970. */
  expires: number;
  name: string;
  way: Way;
}

/**
 * Knocks. A token of before that still counts is renewed, and nothing else is looked at. Throws an ApiProblem where the
 * door stays shut.
 */
export async function enter(slug: string, knock: Knock, before = ''): Promise<Entry> {
  const response = await fetch(`${apiBase}/events/${encodeURIComponent(slug)}/enter`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...authorization(before) },
    body: JSON.stringify(knock),
    signal: AbortSignal.timeout(answerWithinMS),
  });
  if (!response.ok) throw await apiProblemOf(response);
  return entryOf((await response.json()) as unknown);
}

/** Reads an entry; one that cannot be read has run out. Exported for its test. */
export function entryOf(value: unknown): Entry {
  const entry = (value !== null && typeof value === 'object' ? value : {}) as Record<string, unknown>;
  const text = (name: string) => (typeof entry[name] === 'string' ? entry[name] : '');
  const expires = Date.parse(text('expires'));
  return {
    session: text('session'),
    token: text('token'),
    expires: Number.isNaN(expires) ? 0 : expires,
    name: text('name'),
    way: ways.find(way => way === entry['way']) ?? 'open',
  };
}

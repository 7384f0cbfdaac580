/** What this tab knows of the person in front of it, until it is closed: who comes back within 30 min needs no door. */
import { type Entry, type Knock, entryOf } from './enter';

/** What was typed at a door, for the next one. */
export interface Typed {
  name: string;
  email: string;
}

/** An entry, and what may be shown again when its token has run out: never a password. */
export interface Stay {
  entry: Entry;
  knock: Knock;
}

const typedKey = 'freshet-typed';
const stayKey = (slug: string) => `freshet-stay:${slug}`;

export function keepStay(slug: string, { entry, knock }: Stay): void {
  write(stayKey(slug), {
    entry: { ...entry, expires: new Date(entry.expires).toISOString() },
    knock: knockOf(knock),
  });
}

/** The stay at the event, also one whose token has run out. */
export function stayOf(slug: string): Stay | undefined {
  const stay = read(stayKey(slug));
  const entry = entryOf(stay['entry']);
  return entry.token === '' ? undefined : { entry, knock: knockOf(stay['knock']) };
}

export function dropStay(slug: string): void {
  try {
    sessionStorage.removeItem(stayKey(slug));
  } catch {
    // Storage is blocked: nothing was kept.
  }
}

export function keepTyped(typed: Typed): void {
  write(typedKey, typed);
}

export function typedBefore(): Typed {
  const { name, email } = read(typedKey);
  return { name: text(name), email: text(email) };
}

/** What may be shown again. */
function knockOf(value: unknown): Knock {
  const stored = (value !== null && typeof value === 'object' ? value : {}) as Record<string, unknown>;
  const knock: Knock = {};
  for (const name of ['name', 'email', 'language', 'pass', 'direct'] as const) {
    if (text(stored[name]) !== '') knock[name] = text(stored[name]);
  }
  return knock;
}

function write(key: string, value: unknown): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is blocked or full: the page forgets with its next load.
  }
}

function read(key: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(key) ?? '{}');
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

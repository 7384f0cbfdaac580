/** Which events the calendar shows, and in which order. */
import { type EventLine, type EventState } from '../shell/api';

export type View = 'upcoming' | 'past';

/** What the address of the calendar says. */
export interface Search {
  view?: 'past';
  q?: string;
  state?: EventState;
  cursor?: string;
}

/** The states that each view may be narrowed to. */
export const statesOf: Record<View, readonly EventState[]> = {
  upcoming: ['scheduled', 'preparation', 'live', 'cancelled'],
  past: ['ended', 'archived', 'scheduled', 'cancelled'],
};

function textOf(value: unknown): string {
  // The router reads what looks like a number as one.
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : '';
}

export function searchOf(raw: Record<string, unknown>): Search {
  const view = raw['view'] === 'past' ? 'past' : 'upcoming';
  const q = textOf(raw['q']).trim().slice(0, 200);
  const state = statesOf[view].find(known => known === raw['state']);
  const cursor = textOf(raw['cursor']).slice(0, 100);
  return {
    ...(view === 'past' ? { view } : {}),
    ...(q === '' ? {} : { q }),
    ...(state === undefined ? {} : { state }),
    ...(cursor === '' ? {} : { cursor }),
  };
}

/** What is asked of the API for a page of the calendar; day is today. Both views have today's events in their answer. */
export function queryOf({ view, q, state, cursor }: Search, day: { from: number; to: number }) {
  const going = state === 'live' || state === 'preparation'; // whenever it began
  return {
    ...(view === 'past'
      ? { to: new Date(day.to).toISOString(), newest: true }
      : going
        ? {}
        : { from: new Date(day.from).toISOString() }),
    ...(q === undefined ? {} : { q }),
    ...(state === undefined ? {} : { state }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** Whether event is among the past ones; now lies in day. One of today that is late is still to come. */
export function isPast(event: EventLine, now: number, day: { from: number }): boolean {
  const start = Date.parse(event.startsAt);
  switch (event.state) {
    case 'live':
    case 'preparation':
      return false;
    case 'scheduled':
      return start < day.from;
    case 'cancelled':
      return start < now;
    default:
      return true;
  }
}

const lateMS = 3_600_000;

/** What stands on top of the calendar: all that is on the air, else the next event; upcoming ones come by their start. */
export function nextOf(live: readonly EventLine[], upcoming: readonly EventLine[], now: number): EventLine[] {
  if (live.length > 0) return [...live];
  const next = upcoming.find(
    ({ state, startsAt }) =>
      state === 'preparation' || (state === 'scheduled' && Date.parse(startsAt) >= now - lateMS),
  );
  return next ? [next] : [];
}

/** Minutes until moment where that is less than an hour; later and earlier moments are told by their time alone. */
export function minutesUntil(moment: number, now: number): number | undefined {
  const minutes = Math.ceil((moment - now) / 60_000);
  return minutes >= 0 && minutes < 60 ? minutes : undefined;
}

/**
 * The rows to show while the pointer is on them: those that were shown, in their places, with what is newly known of
 * them. What came and what went waits.
 */
export function still<T extends { id: string }>(shown: readonly T[], fresh: readonly T[]): T[] {
  const now = new Map(fresh.map(row => [row.id, row]));
  return shown.map(row => now.get(row.id) ?? row);
}

/** Neighbours of the same day, together. */
export function byDay<T>(rows: readonly T[], dayOfRow: (row: T) => string): { day: string; rows: T[] }[] {
  const days: { day: string; rows: T[] }[] = [];
  for (const row of rows) {
    const day = dayOfRow(row);
    const last = days.at(-1);
    if (last?.day === day) last.rows.push(row);
    else days.push({ day, rows: [row] });
  }
  return days;
}

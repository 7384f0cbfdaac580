/** When to ask for an event again, and how its start is counted down. Pure. */
import type { PublicEvent } from './public';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** From this long before the start on, an event is asked for often. */
const nearMS = minute;
const oftenMS = 2000;
const seldomMS = 15_000;
/** Nobody sees a hidden page: it is asked for when it is seen again, too. */
const hiddenTimes = 5;
/** An event that has not begun this long after its time is late. */
const lateAfterMS = 2 * minute;
/** Those who wait do not join in one instant. */
export const openWithinMS = 1000;

/** What the wait until the next question depends on; chance is 0 to 1, failures those in a row. */
export interface Circumstances {
  event: Pick<PublicEvent, 'startsAt' | 'state'> | undefined;
  now: number;
  hidden: boolean;
  failures: number;
  chance: number;
}

/** Milliseconds until the event is asked for again; undefined where nothing can change. */
export function nextAskMS({ event, now, hidden, failures, chance }: Circumstances): number | undefined {
  if (event?.state === 'cancelled') return undefined;
  const waits = event?.state === 'scheduled' || event?.state === 'preparation';
  const often = !event || (waits && event.startsAt - now <= nearMS);
  const base = often ? Math.min(oftenMS * 2 ** failures, seldomMS) : seldomMS;
  return base * (hidden ? hiddenTimes : 1) * (0.8 + 0.4 * chance);
}

/** Milliseconds until a live event whose join was refused that often is joined again. */
export function againMS(refusals: number, chance: number): number {
  return Math.min(500 * 2 ** refusals, seldomMS) * (0.6 + 0.4 * chance);
}

/** Milliseconds until what could not be listened to is listened to again. */
export function listenAgainMS(chance: number): number {
  return minute * (1 + chance);
}

/** How far away the start is: in the two units that matter, or past. */
export type Distance =
  | { is: 'days'; days: number; hours: number }
  | { is: 'hours'; hours: number; minutes: number }
  | { is: 'minutes'; clock: string }
  | { is: 'due' }
  | { is: 'late'; minutes: number };

/** The distance of a start that is ms away, or -ms ago. */
export function distanceOf(ms: number): Distance {
  if (ms <= -lateAfterMS) return { is: 'late', minutes: Math.floor(-ms / minute) };
  if (ms <= 0) return { is: 'due' };
  if (ms >= day) return { is: 'days', days: Math.floor(ms / day), hours: Math.floor((ms % day) / hour) };
  if (ms >= hour) {
    return { is: 'hours', hours: Math.floor(ms / hour), minutes: Math.floor((ms % hour) / minute) };
  }
  const seconds = Math.ceil(ms / 1000);
  return { is: 'minutes', clock: `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}` };
}

/** The last part of a WHEP address: which stream it is. */
export function streamOfAddress(whep: string): string {
  return decodeURIComponent(/([^/]+)\/?$/.exec(whep)?.[1] ?? '');
}

import { useSyncExternalStore } from 'react';
import { type EventLine } from '../shell/api';
import { useMe } from '../shell/me';
import { localeOf } from '../shell/when';
import { useWords } from '../shell/words';
import { dayOf, localOf } from './zone';

const lookEveryMS = 30_000;

function onClock(listener: () => void): () => void {
  const timer = setInterval(listener, lookEveryMS);
  return () => {
    clearInterval(timer);
  };
}

/** Today in the person's time zone; another one after midnight. */
export function useToday(): { from: number; to: number } {
  const { timeZone } = useMe();
  const from = useSyncExternalStore(onClock, () => dayOf(Date.now(), timeZone).from);
  return dayOf(from, timeZone);
}

export interface Times {
  /** 2026-11-27, to tell days apart. */
  key: string;
  day: string;
  /** From the start to the end. */
  hours: string;
  /** The zone's name, short. */
  zone: string;
}

/** Writes when events are, in the page's language and the person's time zone. */
export function useTimes(): (event: Pick<EventLine, 'startsAt' | 'endsAt'>) => Times {
  const { language } = useWords();
  const { timeZone } = useMe();
  const locale = localeOf(language);
  const day = new Intl.DateTimeFormat(locale, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone,
  });
  const hours = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', timeZone });
  const later = new Intl.DateTimeFormat(locale, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZone,
  });
  const zone = new Intl.DateTimeFormat(locale, { timeZoneName: 'short', timeZone });
  return ({ startsAt, endsAt }) => {
    const start = new Date(startsAt);
    const key = localOf(start.getTime(), timeZone).slice(0, 10);
    const until = (end: Date) =>
      localOf(end.getTime(), timeZone).startsWith(key)
        ? hours.formatRange(start, end)
        : `${hours.format(start)} – ${later.format(end)}`;
    return {
      key,
      day: day.format(start),
      hours: endsAt === null ? hours.format(start) : until(new Date(endsAt)),
      zone: zone.formatToParts(start).find(({ type }) => type === 'timeZoneName')?.value ?? timeZone,
    };
  };
}

/** An event's date and time as words, in a time zone. */

/** "Friday 27 November 2026, 15:00 to 16:30"; between stands between two times. */
export function dateOf(
  startsAt: number,
  endsAt: number | undefined,
  timeZone: string,
  locale: string,
  between: (from: string, to: string) => string,
): string {
  const date = new Intl.DateTimeFormat(locale, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone,
  });
  const time = timeIn(timeZone, locale);
  const moment = (ms: number) => `${date.format(ms)}, ${time.format(ms)}`;
  if (endsAt === undefined) return moment(startsAt);
  const sameDay = date.format(startsAt) === date.format(endsAt);
  return between(moment(startsAt), sameDay ? time.format(endsAt) : moment(endsAt));
}

/** Writes times of day. */
export function timeIn(timeZone: string, locale: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', timeZone });
}

/** "Europe/Paris" as it is read. */
export function zoneName(timeZone: string): string {
  return timeZone.replaceAll('_', ' ');
}

/** The languages by their name in locale; what no language has is as it is. */
export function languageList(tags: readonly string[], locale: string): string {
  return new Intl.ListFormat(locale, { type: 'unit' }).format(tags.map(tag => languageName(tag, locale)));
}

/** A language by its name in locale, or in itself: "français". */
export function languageName(tag: string, locale = tag): string {
  try {
    return new Intl.DisplayNames(locale, { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

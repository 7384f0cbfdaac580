/** Times of day in a time zone, as a datetime-local input has them: 2026-11-27T14:05. */

const fields = new Map<string, Intl.DateTimeFormat>();

function formatIn(timeZone: string): Intl.DateTimeFormat {
  let format = fields.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
    fields.set(timeZone, format);
  }
  return format;
}

/** What clocks in timeZone show at moment, in ms since 1970, to the minute. */
export function localOf(moment: number, timeZone: string): string {
  const part: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const { type, value } of formatIn(timeZone).formatToParts(moment)) part[type] = value;
  const { year = '', month = '', day = '', hour = '', minute = '' } = part;
  return `${year.padStart(4, '0')}-${month}-${day}T${hour}:${minute}`;
}

const dayMS = 24 * 3_600_000;

/**
 * The moment at which clocks in timeZone show local: the first one where they show it twice. A time that clocks skip is
 * moved on by what they skip: 02:30 becomes 03:30. NaN for what is no time.
 */
export function momentOf(local: string, timeZone: string): number {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(local)) return NaN;
  const asUTC = Date.parse(`${local}Z`);
  if (Number.isNaN(asUTC)) return NaN;
  const offset = (moment: number) => Date.parse(`${localOf(moment, timeZone)}Z`) - moment;
  // The offsets a day before and after are all that may hold at that time; zones change no more often.
  const before = asUTC - offset(asUTC - dayMS);
  const after = asUTC - offset(asUTC + dayMS);
  const found = [before, after].filter(moment => localOf(moment, timeZone) === local);
  return found.length > 0 ? Math.min(...found) : before;
}

/** The first moments of the day that it is at moment in timeZone, and of the next one. */
export function dayOf(moment: number, timeZone: string): { from: number; to: number } {
  const day = localOf(moment, timeZone).slice(0, 10);
  const next = new Date(Date.parse(`${day}T00:00Z`) + dayMS).toISOString().slice(0, 10);
  return { from: momentOf(`${day}T00:00`, timeZone), to: momentOf(`${next}T00:00`, timeZone) };
}

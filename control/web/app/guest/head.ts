/** What stands above what a guest does: the event, and when it is. */
import { el } from '@freshet/player/dom';
import { dateOf, zoneName } from '../event/dates';
import { localeOf, pageLanguage } from '../ui/language';
import { type Text } from './texts';

/** The moment in the event's own zone, and in the visitor's where its clocks show another time. */
export function when(startsAt: number, timeZone: string, t: Text): HTMLElement | null {
  if (startsAt === 0) return null;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const write = (zone: string) => dateOf(startsAt, undefined, zone, localeOf(pageLanguage()), from => from);
  const [there, here] = [write(timeZone), write(own)];
  return el(
    'div',
    { class: 'when' },
    el('p', { class: 'date' }, el('time', { datetime: new Date(startsAt).toISOString() }, there)),
    there === here ? null : el('p', { class: 'muted small' }, t('when.zone', { zone: zoneName(timeZone) })),
    there === here ? null : el('p', { class: 'small' }, t('when.yours', { when: here })),
  );
}

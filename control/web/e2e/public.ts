/** An event as visitors see it, for journeys through its public pages. */
import { type StandIn } from './standin';

const minute = 60_000;

/** Puts an event that starts in ms from now. */
export function put(mesh: StandIn, state: string, ms: number, more: Record<string, unknown> = {}): void {
  const starts = Date.now() + ms;
  mesh.events.set('town-hall', {
    slug: 'town-hall',
    number: '123456789',
    link: `${mesh.url}/e/town-hall`,
    kind: 'webcast',
    title: 'Town hall: what the delta taught us this year',
    description: 'One hour on rivers, mud and patience.\n\nWith questions at the end.',
    languages: ['en', 'fr'],
    startsAt: new Date(starts).toISOString(),
    endsAt: new Date(starts + 60 * minute).toISOString(),
    timeZone: 'Europe/Paris',
    state,
    access: 'open',
    agenda: [
      { at: 0, title: 'Welcome', text: 'Ana Ferreira opens the hall.' },
      { at: 10, title: 'The year in figures' },
      { at: 45, title: 'Your questions', text: 'Send them at any time.' },
    ],
    lobby: 'Get a coffee. We begin on time, and the slides come by mail.',
    form: [],
    registration: 'closed',
    ...more,
  });
}

/** One event as the API tells it, for journeys through its pages. */
import { type Answer, anaAs } from './answers';

export const id = '0198a000-0000-7000-8000-00000000e001';
export const here = `/events/${id}`;
const all = [
  'see-event',
  'edit-event',
  'run-event',
  'edit-streams',
  'see-order',
  'see-guests',
  'edit-guests',
  'edit-users',
];
export const steps = {
  scheduled: ['prepare', 'start', 'cancel'],
  preparation: ['schedule', 'start', 'cancel'],
  live: ['end'],
  ended: ['start', 'archive'],
  archived: [],
  cancelled: [],
};

/** An event of Delta Conferences, as its owner sees it. */
export function event(state: keyof typeof steps, more: Record<string, unknown> = {}): Answer {
  return {
    headers: { ETag: `"${state}-1"` },
    body: {
      id,
      slug: 'general-assembly',
      number: '402918337',
      link: 'https://webcast.delta.example/e/general-assembly',
      kind: 'webcast',
      title: 'General assembly of the shareholders of Delta Conferences 2026',
      description: 'Figures and questions.',
      languages: ['en', 'fr-CA'],
      startsAt: '2026-12-01T13:00:00Z',
      endsAt: '2026-12-01T15:30:00Z',
      timeZone: 'America/Toronto',
      state,
      access: 'open',
      agenda: [
        { at: 0, title: 'Welcome', text: '' },
        { at: 10, title: 'Figures of the year', text: 'By Leo Tremblay' },
      ],
      lobby: 'We begin on time.',
      mailHidden: [],
      password: false,
      embed: { where: 'listed', sites: ['www.example.org', '*.partner.example'] },
      filters: {
        allowAddresses: ['192.0.2.0/24'],
        denyAddresses: [],
        allowDomains: [],
        denyDomains: ['guest.example.org'],
      },
      form: [],
      cap: null,
      approval: false,
      options: { registration: true, poll: true, languages: true, sms: true },
      role: 'owner',
      may: all,
      steps: steps[state],
      deletable: state === 'cancelled',
      createdAt: '2026-11-20T09:00:00Z',
      heldAt: null,
      endedAt: null,
      cancelledAt: null,
      ...more,
    },
  };
}

export const me = anaAs('owner', {
  account: {
    id: '0198a000-0000-7000-8000-0000000000d0',
    name: 'Delta Conferences',
    role: 'owner',
    may: ['see-account', 'see-members', 'see-audit', 'create-events', 'see-contacts', 'edit-contacts'],
  },
});

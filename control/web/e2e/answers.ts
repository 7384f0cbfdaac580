/** Answers of the API as a journey wants them, in place of a control node's. */
import { type Page, type Request } from '@playwright/test';

export interface Answer {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  afterMS?: number;
}

/** By "METHOD /path", without /api/v1. An answer that is a function is asked anew each time. */
export type Answers = Record<string, Answer | ((request: Request) => Answer)>;

/** Answers calls of page; what answers does not name is a fault of the journey. Later calls come before earlier ones. */
export async function answer(page: Page, answers: Answers): Promise<void> {
  await page.route('**/api/v1/**', async route => {
    const request = route.request();
    const { pathname, search } = new URL(request.url());
    const path = pathname.replace('/api/v1', '');
    const found = answers[`${request.method()} ${path}${search}`] ?? answers[`${request.method()} ${path}`];
    if (found === undefined) {
      await route.fallback();
      return;
    }
    const {
      status = 200,
      body,
      headers = {},
      afterMS = 0,
    } = typeof found === 'function' ? found(request) : found;
    await new Promise(resolve => setTimeout(resolve, afterMS));
    await route.fulfill({
      status,
      headers: {
        'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
        ...headers,
      },
      body: body === undefined ? '' : JSON.stringify(body),
    });
  });
}

/** A problem as the API tells it. */
export function problem(status: number, kind: string, more: Record<string, unknown> = {}): Answer {
  return { status, body: { type: `/problems/${kind}`, title: kind, status, ...more } };
}

const ana = '0198a000-0000-7000-8000-00000000000a';
const leo = '0198a000-0000-7000-8000-00000000000b';
const delta = { id: '0198a000-0000-7000-8000-0000000000d0', name: 'Delta Conferences' };
const acts = {
  owner: [
    'see-account',
    'edit-account',
    'see-members',
    'edit-members',
    'see-audit',
    'edit-keys',
    'edit-webhooks',
  ],
  organizer: ['see-account', 'see-members'],
  presenter: ['see-account'],
};

/** Ana, as GET /me tells of her, with a role in Delta Conferences. */
export function anaAs(role: keyof typeof acts, more: Record<string, unknown> = {}): Answer {
  return {
    headers: { ETag: '"3"' },
    body: {
      id: ana,
      email: 'ana@delta.example',
      name: 'Ana Silva',
      language: 'en',
      timeZone: 'Europe/Paris',
      country: 'CA',
      signature: '',
      password: true,
      account: { ...delta, role, may: acts[role] },
      accounts: [delta],
      ...more,
    },
  };
}

export const members: Answer = {
  body: [
    {
      id: ana,
      email: 'ana@delta.example',
      name: 'Ana Silva',
      role: 'owner',
      addedAt: '2026-11-02T09:00:00Z',
      joinedAt: '2026-11-02T09:00:00Z',
    },
    {
      id: leo,
      email: 'leo@delta.example',
      name: 'Leo Tremblay',
      role: 'organizer',
      addedAt: '2026-11-03T09:00:00Z',
      joinedAt: '2026-11-04T09:00:00Z',
    },
    {
      id: '0198a000-0000-7000-8000-00000000000c',
      email: 'somebody.with.a.long.address@conferences.delta.example',
      name: '',
      role: 'presenter',
      addedAt: '2026-11-20T15:30:00Z',
      joinedAt: null,
    },
  ],
};

export const browsers: Answer = {
  body: [
    {
      id: '0198a000-0000-7000-8000-000000000101',
      here: true,
      beganAt: '2026-11-24T08:00:00Z',
      seenAt: '2026-11-27T09:00:00Z',
      address: '192.0.2.7',
      agent:
        'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    },
    {
      id: '0198a000-0000-7000-8000-000000000102',
      here: false,
      beganAt: '2026-11-20T08:00:00Z',
      seenAt: '2026-11-26T18:12:00Z',
      address: '2001:db8:85a3::8a2e:370:7334',
      agent:
        'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1',
    },
  ],
};

export const noStep: Answer = { body: { on: false, since: null, codes: 0 } };
export const stepOn: Answer = { body: { on: true, since: '2026-11-20T08:00:00Z', codes: 2 } };

export const passkeys: Answer = {
  body: [
    {
      id: '0198a000-0000-7000-8000-000000000201',
      name: 'Chrome, Linux',
      madeAt: '2026-11-20T08:00:00Z',
      usedAt: '2026-11-26T18:12:00Z',
    },
    {
      id: '0198a000-0000-7000-8000-000000000202',
      name: 'The key with the red ribbon that lies in the safe of the office in Trois-Rivières',
      madeAt: '2026-11-21T08:00:00Z',
      usedAt: null,
    },
  ],
};

function entry(number: number, action: string, detail = '', subject = ana): Record<string, unknown> {
  return {
    number,
    at: new Date(Date.UTC(2026, 10, 20, 8, number)).toISOString(),
    actor: 'person',
    actorId: ana,
    name: 'Ana Silva',
    network: '192.0.2.0/24',
    action,
    subject: `person/${subject}`,
    detail,
  };
}

export const audit: Answer = {
  body: {
    entries: [
      entry(54, 'add-member', 'presenter', leo),
      entry(53, 'set-role', 'organizer', leo),
      entry(52, 'log-in'),
      entry(51, 'made-up'),
    ],
    next: 51,
  },
};
export const auditOlder: Answer = { body: { entries: [entry(1, 'set-up')] } };

/** Keys: one in use, and one that has ended, of somebody who is gone. */
export const keys: Answer = {
  body: [
    {
      id: '0198a000-0000-7000-8000-000000000301',
      name: 'The program that puts what is planned on the screens of the entrance hall',
      start: 'fk_7Qm2xT',
      scopes: ['read'],
      madeBy: { id: ana, name: 'Ana Silva' },
      madeAt: '2026-11-20T08:00:00Z',
      usedAt: '2026-11-26T18:12:00Z',
      expiresAt: null,
    },
    {
      id: '0198a000-0000-7000-8000-000000000302',
      name: 'CRM',
      start: 'fk_b0Zk9d',
      scopes: ['write'],
      madeBy: { id: leo, name: '' },
      madeAt: '2026-11-02T08:00:00Z',
      usedAt: null,
      expiresAt: '2026-11-03T08:00:00Z',
    },
  ],
};

export const hookID = '0198a000-0000-7000-8000-0000000000e1';
const offID = '0198a000-0000-7000-8000-0000000000e2';

const failingHook = {
  id: hookID,
  url: 'https://hooks.of.a.long.name.conferences.delta.example/freshet?for=Delta%20Conferences',
  kinds: ['event.started', 'event.ended', 'guest.registered'],
  madeAt: '2026-11-20T08:00:00Z',
  offAt: null,
  failingSince: '2026-11-26T18:12:00Z',
  nextAt: '2026-11-26T19:12:00Z',
};
const offHook = {
  id: offID,
  url: 'https://crm.delta.example/in',
  kinds: ['viewer.entered'],
  madeAt: '2026-11-21T08:00:00Z',
  offAt: '2026-11-22T08:00:00Z',
  failingSince: null,
  nextAt: null,
};

function delivery(n: number, kind: string, state: string, more: Record<string, unknown>) {
  return {
    id: `0198a000-0000-7000-8000-0000000004${String(n).padStart(2, '0')}`,
    kind,
    state,
    attempts: n,
    status: null,
    answer: '',
    createdAt: `2026-11-26T1${String(n)}:00:00Z`,
    settledAt: null,
    ...more,
  };
}

const settledAt = '2026-11-26T19:00:00Z';
const newest = delivery(8, 'event.ended', 'waiting', { status: 503, answer: 'Down for maintenance' });
const cursor = '0198a000-0000-7000-8000-000000000401';

/** Two webhooks, one that fails and one that is off, with what the first was told. */
export const webhooks: Answers = {
  'GET /webhooks': { body: [failingHook, offHook] },
  [`GET /webhooks/${hookID}`]: { body: failingHook, headers: { ETag: '"4"' } },
  [`GET /webhooks/${hookID}/deliveries?limit=1`]: { body: { deliveries: [newest] } },
  [`GET /webhooks/${hookID}/deliveries?limit=20`]: {
    body: {
      deliveries: [
        newest,
        delivery(6, 'guest.registered', 'failed', { answer: 'No answer within 5 s.', settledAt }),
        delivery(1, 'event.started', 'done', { status: 204, settledAt }),
      ],
      next: cursor,
    },
  },
  [`GET /webhooks/${hookID}/deliveries?limit=20&cursor=${cursor}`]: {
    body: {
      deliveries: [delivery(0, 'test', 'failed', { answer: 'The webhook was switched off.', settledAt })],
    },
  },
  [`GET /webhooks/${offID}/deliveries?limit=1`]: { body: { deliveries: [] } },
};

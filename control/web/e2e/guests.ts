/** The door of a stand-in: who comes in, who registers, and the links that are personal. Made-up answers by the rules of the real one. */
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { json, problem, text } from './serve';

export type PublicEvent = { number: string; state: string; startsAt: string } & Record<string, unknown>;

const tokenMS = 30 * 60_000;

export class Guests {
  /** Of the event that asks for one. */
  password = 'delta';
  /** The code of the link that leads in directly. */
  direct = 'open-sesame';
  /** What each personal link lets in. */
  readonly passes = new Map<string, { name: string; slug: string; used: boolean }>();
  /** What came to the door, in order. */
  readonly knocks: Record<string, unknown>[] = [];
  readonly registrations: Record<string, unknown>[] = [];
  /** Whose mails were stopped. */
  readonly unsubscribed = new Set<string>();
  /** How long a token lasts. */
  tokenMS = tokenMS;
  /** The answer to the next call, in place of what it would be. */
  refuses: { status: number; kind: string; headers?: Record<string, string> } | undefined;

  readonly #tokens = new Map<string, { slug: string; expires: number }>();
  #next = 1;

  constructor(private readonly events: Map<string, PublicEvent>) {}

  /** Takes back every token that was given. */
  revoke(): void {
    this.#tokens.clear();
  }

  /** A newer token for the bearer of one, as a join gives it; else why not. */
  renew(slug: string, bearer: string | undefined): Record<string, unknown> | string {
    if (bearer === undefined)
      return this.events.get(slug)?.['access'] === 'open' ? this.#token(slug) : 'token-missing';
    const known = this.#tokens.get(bearer);
    if (known?.slug !== slug) return 'token-wrong';
    return known.expires < Date.now() ? 'token-expired' : this.#token(slug);
  }

  /** Answers whether path is one of its own. */
  async serve(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    const [, , , first = '', second = '', third = ''] = path.split('/');
    const body = request.method === 'POST' ? await read(request) : {};
    const { refuses } = this;
    if (refuses && request.method === 'POST') {
      this.refuses = undefined;
      problem(response, refuses.status, refuses.kind, refuses.kind, refuses.headers);
    } else if (first === 'events' && third === 'enter')
      this.#enter(response, second, body, bearerOf(request));
    else if (first === 'events' && third === 'register') this.#register(response, second, body);
    else if (first === 'public' && second === 'passes') this.#pass(response, third);
    else if (first === 'public' && second === 'unsubscribe') {
      if (request.method === 'POST') this.unsubscribed.add(third);
      const topic = {
        account: 'Delta Conferences',
        topic: 'invitations',
        stopped: this.unsubscribed.has(third),
      };
      if (third === 'dead') problem(response, 404, 'link-dead', 'Link dead');
      else json(response, 200, topic);
    } else return false;
    return true;
  }

  #enter(
    response: ServerResponse,
    slug: string,
    body: Record<string, unknown>,
    bearer: string | undefined,
  ): void {
    this.knocks.push(body);
    const renewed = bearer === undefined ? 'token-missing' : this.renew(slug, bearer);
    if (typeof renewed !== 'string') {
      json(response, 200, { ...renewed, name: textOf(body['name']), way: 'open' });
      return;
    }
    const event = this.events.get(slug);
    if (!event || event.state === 'ended' || event.state === 'cancelled') {
      problem(response, 404, 'event-unknown', 'Event unknown');
      return;
    }
    const pass = this.passes.get(String(body['pass']));
    if (body['direct'] === this.direct) this.#let(response, slug, '', 'direct');
    else if (body['pass'] !== undefined) {
      if (pass?.slug !== slug) problem(response, 401, 'pass-wrong', 'Pass wrong');
      else if (pass.used && body['here'] !== true) problem(response, 409, 'pass-in-use', 'Pass in use');
      else this.#let(response, slug, pass.name, 'pass');
    } else if (event['access'] === 'token' || event['access'] === 'registration') {
      problem(response, 401, 'pass-missing', 'Pass missing');
    } else if (event['access'] === 'password' && body['password'] !== this.password) {
      problem(response, 401, body['password'] === '' ? 'password-missing' : 'password-wrong', 'Password');
    } else {
      const errors = wrong(body);
      if (errors.length > 0) problem(response, 422, 'invalid', 'Invalid', {}, { errors });
      else
        this.#let(response, slug, textOf(body['name']), event['access'] === 'password' ? 'password' : 'open');
    }
  }

  #let(response: ServerResponse, slug: string, name: string, way: string): void {
    json(response, 200, { ...this.#token(slug), name, way });
  }

  #token(slug: string): { session: string; token: string; expires: string } {
    const token = `token-${this.#next++}`;
    const expires = Date.now() + this.tokenMS;
    this.#tokens.set(token, { slug, expires });
    return {
      session: '0198a000-0000-7000-8000-000000000001',
      token,
      expires: new Date(expires).toISOString(),
    };
  }

  #register(response: ServerResponse, slug: string, body: Record<string, unknown>): void {
    const event = this.events.get(slug);
    if (!event || event['registration'] === 'closed') {
      if (event) problem(response, 409, 'registration-closed', 'Registration is closed');
      else problem(response, 404, 'event-unknown', 'Event unknown');
      return;
    }
    const answers = (body['answers'] ?? {}) as Record<string, unknown>;
    const form = (event['form'] ?? []) as { id: string; required: boolean }[];
    const errors = [
      ...wrong(body),
      ...form
        .filter(({ id, required }) => required && [undefined, '', false].includes(answers[id] as never))
        .map(({ id }) => ({ pointer: `/answers/${id}`, detail: 'is needed' })),
    ];
    if (errors.length > 0) {
      problem(response, 422, 'invalid', 'Invalid', {}, { errors });
      return;
    }
    this.registrations.push(body);
    const waits = event['registration'] === 'waiting-list' || event['approval'] === true;
    json(response, 202, { status: waits ? 'waiting' : 'sent' });
  }

  #pass(response: ServerResponse, pass: string): void {
    const known = this.passes.get(pass);
    const event = known && this.events.get(known.slug);
    if (!event) {
      problem(response, 404, 'pass-unknown', 'Pass unknown');
      return;
    }
    const { slug, title, startsAt, timeZone, state } = event;
    json(response, 200, { name: known.name, slug, title, startsAt, timeZone, state });
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The token that a request carries. */
export function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
}

/** What the API refuses of a name and an address. */
function wrong(body: Record<string, unknown>): { pointer: string; detail: string }[] {
  return [
    ...(body['name'] === '' ? [{ pointer: '/name', detail: 'is needed' }] : []),
    ...(/^[^@\s]+@[^@\s]+$/.test(String(body['email']))
      ? []
      : [{ pointer: '/email', detail: 'is no address' }]),
  ];
}

async function read(request: IncomingMessage): Promise<Record<string, unknown>> {
  return JSON.parse((await text(request)) || '{}') as Record<string, unknown>;
}

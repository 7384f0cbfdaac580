/** What guests ask of the API. Each call throws an ApiProblem. */
import { zoneOf } from '../event/public';
import { apiBase } from '../ui/api';
import { apiProblemOf } from '../ui/refusal';

const answerWithinMS = 10_000;

export interface Registration {
  name: string;
  email: string;
  language: string;
  answers: Record<string, string | boolean>;
}

/** Registers, or has the link sent again to who is registered. Answers whether one waits for a place, or for approval. */
export async function register(slug: string, body: Registration): Promise<'sent' | 'waiting'> {
  const answer = await ask(`/events/${encodeURIComponent(slug)}/register`, body);
  return answer['status'] === 'waiting' ? 'waiting' : 'sent';
}

/** What a personal link is for. */
export interface Pass {
  name: string;
  slug: string;
  title: string;
  /** In ms since 1970. */
  startsAt: number;
  timeZone: string;
  over: boolean;
}

export async function passOf(pass: string): Promise<Pass> {
  const answer = await ask(`/public/passes/${encodeURIComponent(pass)}`);
  const startsAt = Date.parse(text(answer['startsAt']));
  return {
    name: text(answer['name']),
    slug: text(answer['slug']),
    title: text(answer['title']),
    startsAt: Number.isNaN(startsAt) ? 0 : startsAt,
    timeZone: zoneOf(text(answer['timeZone'])),
    over: answer['state'] === 'ended' || answer['state'] === 'cancelled',
  };
}

/** Which mails a link stops. */
export interface Stop {
  account: string;
  topic: 'invitations' | 'changes' | 'reminders';
  stopped: boolean;
}

/** Reading stops nothing: mail programs open links by themselves. */
export async function stopOf(token: string): Promise<Stop> {
  return toStop(await ask(`/public/unsubscribe/${encodeURIComponent(token)}`));
}

export async function stop(token: string): Promise<Stop> {
  return toStop(await ask(`/public/unsubscribe/${encodeURIComponent(token)}`, {}));
}

function toStop(answer: Record<string, unknown>): Stop {
  const { topic } = answer;
  return {
    account: text(answer['account']),
    topic: topic === 'changes' || topic === 'reminders' ? topic : 'invitations',
    stopped: answer['stopped'] === true,
  };
}

/** Posts body, or reads where there is none. */
async function ask(path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(apiBase + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      Accept: 'application/json',
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    cache: 'no-store',
    signal: AbortSignal.timeout(answerWithinMS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw await apiProblemOf(response);
  const answer: unknown = await response.json();
  return answer !== null && typeof answer === 'object' ? (answer as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

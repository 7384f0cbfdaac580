/** What a server answered in place of what was asked (problem+json, RFC 9457), or why no answer came. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    /** Last part of the type ("/problems/KIND"), or one of ours: unreachable, timeout, answer, media. */
    readonly kind: string,
    /** HTTP status; 0 where no answer came. */
    readonly status: number,
    readonly title: string,
    readonly detail = '',
    readonly more: {
      /** Under which the server's log has it. */
      instance?: string;
      /** Least wait before asking again, in ms. */
      retryAfterMS?: number;
      /** Where to go instead (Link rel="alternate" of a 503). */
      alternate?: string;
    } = {},
  ) {
    super(detail === '' ? title : `${title}: ${detail}`);
  }
}

/** Reads the problem out of an answer whose status is no success. Never throws. */
export async function problemOf(response: Response): Promise<Problem> {
  const more: Problem['more'] = {};
  const retry = retryAfterMS(response.headers.get('Retry-After'), Date.now());
  if (retry !== undefined) more.retryAfterMS = retry;
  const alternate = links(response.headers.get('Link'), response.url).find(l => l.rel === 'alternate');
  if (alternate) more.alternate = alternate.url;

  const type = response.headers.get('Content-Type') ?? '';
  let body: unknown;
  try {
    body = type.includes('json') ? await response.json() : undefined;
  } catch {
    body = undefined; // broken off, or not JSON after all: the status says enough
  }
  const text = (name: string) => {
    const value =
      body !== null && typeof body === 'object' ? (body as Record<string, unknown>)[name] : undefined;
    return typeof value === 'string' ? value : '';
  };
  const instance = text('instance');
  if (instance !== '') more.instance = instance;
  const kind = text('type').split('/').pop() ?? '';
  return new Problem(
    kind === '' || kind === 'about:blank' ? `status-${response.status}` : kind,
    response.status,
    text('title') === '' ? `${response.status} ${response.statusText}`.trim() : text('title'),
    text('detail'),
    more,
  );
}

/** Makes a Problem of whatever was thrown while url was asked. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError') {
    return new Problem('timeout', 0, 'No answer in time');
  }
  if (thrown instanceof TypeError) return new Problem('unreachable', 0, 'No connection', thrown.message);
  return new Problem(
    'media',
    0,
    'The media connection failed',
    thrown instanceof Error ? thrown.message : '',
  );
}

/** Milliseconds of a Retry-After header: seconds or a date (RFC 9110 section 10.2.3), at most 5 minutes. */
export function retryAfterMS(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 300_000) : undefined;
}

/** One link of a Link header (RFC 8288). */
export interface Link {
  url: string;
  rel: string;
  parameters: Record<string, string>;
}

/** Parses a Link header; relative targets are resolved against base. What cannot be read is left out. */
export function links(header: string | null, base: string): Link[] {
  const found: Link[] = [];
  for (const match of (header ?? '').matchAll(
    /<([^>]*)>((?:\s*;\s*[\w-]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"]*))?)*)/g,
  )) {
    const parameters: Record<string, string> = {};
    for (const part of (match[2] ?? '').matchAll(/;\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]*))/g)) {
      parameters[(part[1] ?? '').toLowerCase()] ??= part[2] ?? part[3] ?? '';
    }
    const target = match[1] ?? '';
    try {
      // stun: and turn: addresses are URLs of their own and stay as they are.
      const url = /^(stun|turn)s?:/.test(target) ? target : new URL(target, base || undefined).href;
      found.push({ url, rel: parameters['rel'] ?? '', parameters });
    } catch {
      continue;
    }
  }
  return found;
}

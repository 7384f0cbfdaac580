/** The HTTP side of a session: WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) share it. */
import { type Link, Problem, links, problemOf } from './problem';

/** Longest wait for an answer to an offer. An edge waits 3 s for its upstream; the rest is the way there. */
const answerWithinMS = 6000;
/** Longest wait for an answer to any later request. */
const requestWithinMS = 5000;

/** A session that an endpoint has opened. */
export class Resource {
  #etag: string | null;

  private constructor(
    /** Where the session lives: PATCH, DELETE and what extensions add. */
    readonly url: string,
    /** The endpoint's answer. */
    readonly sdp: string,
    etag: string | null,
    readonly links: Link[],
    private readonly bearer: string,
  ) {
    this.#etag = etag;
  }

  /**
   * Posts an offer. Redirects are followed: a control node sends a publisher on to the origin with 307, and a ticket in
   * the address, since browsers take the bearer off on the way to another host.
   * Throws a Problem where the endpoint refuses, and a Problem of kind answer where a 201 is not one.
   */
  static async open(endpoint: string, sdp: string, bearer: string, signal: AbortSignal): Promise<Resource> {
    const response = await fetch(endpoint, {
      method: 'POST',
      body: sdp,
      headers: { 'Content-Type': 'application/sdp', ...authorization(bearer) },
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMS)]),
    });
    if (response.status !== 201) throw await problemOf(response);
    const location = response.headers.get('Location');
    const answer = await response.text();
    if (location === null || !answer.startsWith('v=0')) {
      throw new Problem('answer', 201, 'The answer holds no session', 'no Location, or no SDP in the body');
    }
    return new Resource(
      new URL(location, response.url).href,
      answer,
      response.headers.get('ETag'),
      links(response.headers.get('Link'), response.url),
      bearer,
    );
  }

  /** STUN and TURN servers that the endpoint names (RFC 9725 section 4.6). */
  get iceServers(): RTCIceServer[] {
    return this.links
      .filter(link => link.rel === 'ice-server')
      .map(({ url, parameters }) => ({
        urls: url,
        ...(parameters['username'] === undefined ? {} : { username: parameters['username'] }),
        ...(parameters['credential'] === undefined ? {} : { credential: parameters['credential'] }),
      }));
  }

  /** Sends candidates (RFC 8840). A 405 says the endpoint wants none and is no error. */
  async trickle(fragment: string, signal: AbortSignal): Promise<void> {
    const response = await this.#request('PATCH', this.url, signal, fragment, {
      'Content-Type': 'application/trickle-ice-sdpfrag',
      ...(this.#etag === null ? {} : { 'If-Match': this.#etag }),
    });
    if (!response.ok && response.status !== 405) throw await problemOf(response);
    this.#etag = response.headers.get('ETag') ?? this.#etag;
  }

  /** Reads JSON from a sub-resource of the session. */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    const response = await this.#request('GET', `${this.url}/${path}`, signal);
    if (!response.ok) throw await problemOf(response);
    return response.json() as Promise<unknown>;
  }

  /** Posts JSON to a sub-resource of the session. */
  async post(path: string, body: unknown, signal: AbortSignal): Promise<void> {
    const response = await this.#request('POST', `${this.url}/${path}`, signal, JSON.stringify(body), {
      'Content-Type': 'application/json',
    });
    if (!response.ok) throw await problemOf(response);
  }

  /** Asks what the endpoint offers as rel, which may take a while to answer. Answers with the status. */
  async ask(rel: string, withinMS: number, signal: AbortSignal): Promise<number> {
    const url = this.links.find(link => link.rel === rel)?.url;
    if (url === undefined) return 404;
    const response = await fetch(url, {
      headers: authorization(this.bearer),
      signal: AbortSignal.any([signal, AbortSignal.timeout(withinMS)]),
    });
    return response.status;
  }

  /** Says a word to the session. It carries nothing but the address, so that a browser need not ask first whether it may. */
  async say(word: string, withinMS: number, signal: AbortSignal): Promise<void> {
    const response = await fetch(`${this.url}/${word}`, {
      method: 'POST',
      signal: AbortSignal.any([signal, AbortSignal.timeout(withinMS)]),
    });
    if (!response.ok) throw await problemOf(response);
  }

  /** Ends the session. Works while the page is being left; a failure is the endpoint's to notice. */
  async end(): Promise<void> {
    try {
      await fetch(this.url, { method: 'DELETE', keepalive: true, headers: authorization(this.bearer) });
    } catch {
      // Nobody is left to tell; the endpoint ends sessions that fall silent by itself.
    }
  }

  #request(
    method: string,
    url: string,
    signal: AbortSignal,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return fetch(url, {
      method,
      headers: { ...headers, ...authorization(this.bearer) },
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestWithinMS)]),
      ...(body === undefined ? {} : { body }),
    });
  }
}

/** The header that carries bearer; none for an empty one. */
export function authorization(bearer: string): Record<string, string> {
  return bearer === '' ? {} : { Authorization: `Bearer ${bearer}` };
}

/**
 * A stand-in for control and edges: serves the built pages under the policy of the real ones, answers the API,
 * and lets a page of the same browser be the edges. Tests break it in ways that a healthy mesh never breaks.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { type Browser, type Page } from '@playwright/test';
import { Guests, type PublicEvent, bearerOf } from './guests';
import { json, problem, text } from './serve';

const dist = join(import.meta.dirname, '..', 'dist');
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
  "media-src 'self' blob:; connect-src 'self' http: https:; base-uri 'none'; form-action 'self'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** How an edge answers an offer. */
export type Mood = 'well' | 'absent' | 'forbidden' | 'full' | 'dead' | { alternate: string };

export interface Layer {
  rid: string;
  width: number;
  height: number;
}

export class StandIn {
  url = '';
  /** How each edge stands; edges in the order of their rank. */
  readonly moods = new Map<string, Mood>([
    ['edge-1', 'well'],
    ['edge-2', 'well'],
    ['edge-3', 'well'],
  ]);
  /** Sessions posted and deleted, and what was asked of them, in order: "POST edge-1", "DELETE edge-1". */
  readonly asked: string[] = [];
  /** Lowest first, as an edge tells them. */
  layers: Layer[] = [];
  /** What every edge tells of the way to it, as GET stats has it; none where undefined. */
  hops: unknown[] | undefined;
  viewers = 3;
  live = true;
  /** Whether nobody has an account yet. */
  needsSetup = false;
  /** Events by their slug, as the public API tells them; one that is live has the stream "main". */
  readonly events = new Map<string, PublicEvent>();
  readonly guests = new Guests(this.events);
  /** How the lines of news stand: silent ones are open and say nothing. */
  news: 'well' | 'silent' | 'refused' = 'well';

  #server: Server;
  #edge: Page | undefined;
  #sessions = new Map<string, { edge: string; wanted: string | null; audioOnly: boolean }>();
  #next = 1;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((thrown: unknown) => {
        response.writeHead(500).end(String(thrown));
      });
    });
  }

  static async start(browser: Browser): Promise<StandIn> {
    const standIn = new StandIn();
    await new Promise<void>(resolve => standIn.#server.listen(0, '127.0.0.1', resolve));
    standIn.url = `http://127.0.0.1:${(standIn.#server.address() as AddressInfo).port}`;
    standIn.#edge = await browser.newPage();
    await standIn.#edge.goto(`${standIn.url}/edge`);
    await standIn.#edge.evaluate(edgeProgram);
    return standIn;
  }

  async close(): Promise<void> {
    await this.#edge?.close();
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  /** Ends every session of edge without a word, as a killed process would. */
  async kill(edge: string): Promise<void> {
    this.moods.set(edge, 'dead');
    const ids = [...this.#sessions].filter(([, session]) => session.edge === edge).map(([id]) => id);
    await this.#edge?.evaluate(gone => {
      for (const id of gone) globalThis.edge.close(id);
    }, ids);
  }

  /** What the viewer at edge asked for last. */
  wanted(edge: string): { wanted: string | null; audioOnly: boolean } | undefined {
    const session = [...this.#sessions.values()].find(candidate => candidate.edge === edge);
    return session && { wanted: session.wanted, audioOnly: session.audioOnly };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', this.url).pathname;
    if (path.startsWith('/api/')) await this.#api(request, response, path);
    else if (path.startsWith('/whep/')) await this.#whep(request, response, path);
    else if (path === '/edge')
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>edge</title>');
    else await this.#file(response, path);
  }

  async #file(response: ServerResponse, path: string): Promise<void> {
    const pages: [RegExp, string][] = [
      [/^\/$/, 'index.html'],
      [/^\/e\/[^/]+\/register$/, 'register.html'],
      [/^\/e\//, 'watch.html'],
      [/^\/t\//, 'pass.html'],
      [/^\/unsubscribe\//, 'unsubscribe.html'],
      [/^\/embed\//, 'embed.html'],
      [/^\/live\//, 'live.html'],
      [/^\/join$/, 'join.html'],
      [/^\/check$/, 'check.html'],
      [
        /^\/(setup|login|signup|reset|invite|settings|calendar|contacts|events|orders|ops)(\/|$)/,
        'shell.html',
      ],
    ];
    const name = pages.find(([pattern]) => pattern.test(path))?.[1] ?? path.slice(1);
    try {
      const body = await readFile(join(dist, name));
      response
        .writeHead(200, { 'Content-Type': types[extname(name)] ?? '', 'Content-Security-Policy': policy })
        .end(body);
    } catch {
      response.writeHead(404).end();
    }
  }

  async #api(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const stream = {
      id: 'sample',
      event: 'sample',
      state: 'ready',
      live: this.live,
      viewers: this.viewers,
      origin: { node: 'origin-1', region: 'yul', whip: `${this.url}/whip` },
      tracks: [],
      edges: [],
    };
    if (path === '/api/v1/setup') json(response, 200, { needed: this.needsSetup });
    else if (path === '/api/v1/streams') json(response, 200, [stream]);
    else if (path === '/api/v1/streams/sample') json(response, 200, stream);
    else if (path === '/api/v1/streams/main') json(response, 200, { ...stream, id: 'main' });
    else if (path === '/api/v1/events/sample/join' && request.method === 'POST')
      this.#join(response, 'sample');
    else if (/^\/api\/v1\/events\/[^/]+\/live$/.test(path))
      this.#tell(request, response, path.split('/')[4] ?? '');
    else if (/^\/api\/v1\/events\/[^/]+\/join$/.test(path))
      this.#joinEvent(request, response, path.split('/')[4] ?? '');
    else if (await this.guests.serve(request, response, path)) return;
    else if (path.startsWith('/api/v1/public/events/by-')) {
      const [, , , , , by, key = ''] = path.split('/');
      const found =
        by === 'by-slug'
          ? this.events.get(key)
          : [...this.events.values()].find(event => event.number === key);
      if (found) json(response, 200, found);
      else problem(response, 404, 'event-unknown', 'Event unknown');
    } else problem(response, 404, 'event-unknown', 'Event unknown');
  }

  #joinEvent(request: IncomingMessage, response: ServerResponse, slug: string): void {
    const event = this.events.get(slug);
    const token = this.guests.renew(slug, bearerOf(request));
    if (event?.state !== 'live') problem(response, 404, 'event-unknown', 'Event unknown');
    else if (typeof token === 'string') problem(response, 401, token, token);
    else this.#join(response, 'main', token);
  }

  #join(response: ServerResponse, stream: string, more: Record<string, unknown> = {}): void {
    json(response, 200, {
      session: '0198a000-0000-7000-8000-000000000001',
      token: '',
      expires: null,
      streams: [{ id: stream, language: '' }],
      edges: [...this.moods.keys()].map(node => ({ node, region: 'yul', whep: `${this.url}/whep/${node}` })),
      ...more,
    });
  }

  /** Tells what changes of an event, until the page goes away. */
  #tell(request: IncomingMessage, response: ServerResponse, slug: string): void {
    if (this.news === 'refused' || !this.events.has(slug)) {
      problem(response, this.news === 'refused' ? 503 : 404, 'unavailable', 'Not available now');
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write('retry: 1000\n\nevent: beat\ndata: {}\n\n');
    let told = request.headers['last-event-id'] ?? '';
    let beatAt = Date.now();
    const look = setInterval(() => {
      if (this.news !== 'well') return;
      const event = this.events.get(slug);
      if (!event) {
        response.end('event: gone\ndata: {}\n\n');
        return;
      }
      const data = JSON.stringify(event);
      const id = createHash('sha256').update(data).digest('base64url');
      if (id !== told) response.write(`event: event\nid: ${id}\ndata: ${data}\n\n`);
      told = id;
      if (Date.now() - beatAt >= 2000) {
        beatAt = Date.now();
        response.write('event: beat\ndata: {}\n\n');
      }
    }, 20);
    response.on('close', () => {
      clearInterval(look);
    });
  }

  async #whep(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const [, , edge = '', , id = '', sub = ''] = path.split('/');
    const mood = this.moods.get(edge) ?? 'dead';
    if (new URL(request.url ?? '/', this.url).searchParams.has('standby')) {
      response.writeHead(204).end(); // these edges open none, so that journeys see each edge asked when it is needed
      return;
    }
    this.asked.push(`${request.method ?? ''} ${edge}${sub === '' ? '' : `/${sub}`}`);
    if (mood === 'dead') {
      request.destroy();
      return;
    }
    const session = this.#sessions.get(id);
    const body = await text(request);
    if (request.method === 'POST' && id === '') await this.#open(response, edge, mood, body);
    else if (!session) problem(response, 404, 'not-found', 'Not found');
    else if (request.method === 'DELETE') {
      this.#sessions.delete(id);
      await this.#edge?.evaluate(gone => {
        globalThis.edge.close(gone);
      }, id);
      response.writeHead(200).end();
    } else if (sub === 'layer' && request.method === 'GET') {
      const active = session.audioOnly ? null : (session.wanted ?? this.layers.at(-1)?.rid ?? '');
      json(response, 200, { active, layers: this.layers });
    } else if (sub === 'stats' && request.method === 'GET') {
      json(response, 200, { stream: 'sample', node: edge, hops: this.hops });
    } else if (sub === 'layer') {
      Object.assign(session, toWanted(JSON.parse(body)));
      await this.#edge?.evaluate(([name, audioOnly]) => globalThis.edge.picture(name, !audioOnly), [
        id,
        session.audioOnly,
      ] as const);
      response.writeHead(204).end();
    } else problem(response, 405, 'method-not-allowed', 'Method not allowed');
  }

  async #open(response: ServerResponse, edge: string, mood: Mood, offer: string): Promise<void> {
    if (refused(this.url, response, mood)) return;
    const id = `s${this.#next++}`;
    this.#sessions.set(id, { edge, wanted: null, audioOnly: false });
    const answer = await this.#edge?.evaluate(([name, sdp]) => globalThis.edge.open(name, sdp), [
      id,
      offer,
    ] as const);
    response
      .writeHead(201, {
        'Content-Type': 'application/sdp',
        Location: `/whep/${edge}/sample/${id}`,
        ETag: '"1"',
        ...(this.hops && {
          Link: `</whep/${edge}/sample/${id}/stats>; rel="urn:ietf:params:whep:ext:freshet:stats"`,
        }),
      })
      .end(answer);
  }
}

/** Answers an offer where mood refuses it; answers whether it did. */
function refused(url: string, response: ServerResponse, mood: Mood): boolean {
  const retry = { 'Retry-After': '1' };
  if (mood === 'absent') problem(response, 409, 'not-live', 'Not on the air', retry);
  else if (mood === 'forbidden') problem(response, 403, 'forbidden', 'Forbidden');
  else if (mood === 'full') problem(response, 503, 'full', 'Full', retry);
  else if (typeof mood === 'object') {
    const link = `<${url}/whep/${mood.alternate}/sample>; rel="alternate"`;
    problem(response, 503, 'full', 'Full', { ...retry, Link: link });
  } else return false;
  return true;
}

function toWanted(body: unknown): { wanted: string | null; audioOnly: boolean } {
  const { rid, audioOnly } = body as { rid: string | null; audioOnly: boolean };
  return { wanted: rid, audioOnly };
}

declare global {
  var edge: {
    open(id: string, offer: string): Promise<string>;
    /** Sends the picture, or sound alone. */
    picture(id: string, on: boolean): Promise<void>;
    close(id: string): void;
  };
}

/** Runs in the page that is the edges: a drawn picture and a tone, to every session. */
function edgeProgram(): void {
  const canvas = document.createElement('canvas');
  canvas.width = 1280;
  canvas.height = 720;
  const g = canvas.getContext('2d');
  let n = 0;
  setInterval(() => {
    if (!g) return;
    n++;
    const ground = g.createLinearGradient(0, 0, 1280, 720);
    ground.addColorStop(0, '#0e3b43');
    ground.addColorStop(1, '#5ccbc8');
    g.fillStyle = ground;
    g.fillRect(0, 0, 1280, 720);
    g.fillStyle = '#fff';
    g.beginPath();
    g.arc(640 + 400 * Math.sin(n / 20), 400, 60, 0, 7);
    g.fill();
    g.font = '600 72px sans-serif';
    g.fillText(String(n), 80, 140);
  }, 33);
  const picture = canvas.captureStream(30).getVideoTracks()[0] ?? null;
  const context = new AudioContext();
  const tone = context.createOscillator();
  const out = context.createMediaStreamDestination();
  tone.connect(out);
  tone.start();
  void context.resume();
  const sound = out.stream.getAudioTracks()[0] ?? null;
  const open = new Map<string, RTCPeerConnection>();
  globalThis.edge = {
    async open(id, offer) {
      const pc = new RTCPeerConnection();
      open.set(id, pc);
      await pc.setRemoteDescription({ type: 'offer', sdp: offer });
      for (const transceiver of pc.getTransceivers()) {
        transceiver.direction = 'sendonly';
        await transceiver.sender.replaceTrack(transceiver.receiver.track.kind === 'video' ? picture : sound);
      }
      await pc.setLocalDescription();
      await new Promise<void>(resolve => {
        const check = () => {
          if (pc.iceGatheringState === 'complete') resolve();
        };
        pc.addEventListener('icegatheringstatechange', check);
        check();
      });
      return pc.localDescription?.sdp ?? '';
    },
    async picture(id, on) {
      const video = open
        .get(id)
        ?.getSenders()
        .find(sender => sender.track !== sound);
      await video?.replaceTrack(on ? picture : null);
    },
    close(id) {
      open.get(id)?.close();
      open.delete(id);
    },
  };
}

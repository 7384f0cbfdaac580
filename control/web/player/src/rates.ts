/** Turns two looks at a connection's counters into figures per second. */

/** The members that are read from the browser's statistics; all optional, since browsers differ. */
export interface Stat {
  id: string;
  type: string;
  timestamp: number;
  [name: string]: unknown;
}

/** A look: every statistic by its id. */
export type Look = ReadonlyMap<string, Stat>;

export function lookAt(report: RTCStatsReport): Look {
  const look = new Map<string, Stat>();
  report.forEach((stat: Stat) => look.set(stat.id, stat));
  return look;
}

export function number(stat: Stat | undefined, name: string): number | undefined {
  const value = stat?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function text(stat: Stat | undefined, name: string): string {
  const value = stat?.[name];
  return typeof value === 'string' ? value : '';
}

export function find(look: Look, type: string, kind?: string): Stat | undefined {
  let best: Stat | undefined;
  for (const stat of look.values()) {
    if (stat.type !== type || (kind !== undefined && stat['kind'] !== kind)) continue;
    // Of several, the one that carries most: after a move an old one may linger at zero.
    const rank = (s: Stat) => number(s, 'bytesReceived') ?? number(s, 'bytesSent') ?? 0;
    if (!best || rank(stat) > rank(best)) best = stat;
  }
  return best;
}

/** How much name grew per second between two looks at one statistic; undefined without an earlier look. */
export function perSecond(now: Stat | undefined, before: Look | undefined, name: string): number | undefined {
  const earlier = now && before?.get(now.id);
  if (!now || !earlier) return undefined;
  const seconds = (now.timestamp - earlier.timestamp) / 1000;
  const [a, b] = [number(earlier, name), number(now, name)];
  if (seconds <= 0 || a === undefined || b === undefined || b < a) return undefined;
  return (b - a) / seconds;
}

/** The mean of sum/count over the time between two looks (jitterBufferDelay and its kind). */
export function meanOf(
  now: Stat | undefined,
  before: Look | undefined,
  sum: string,
  count: string,
): number | undefined {
  const s = perSecond(now, before, sum);
  const n = perSecond(now, before, count);
  return s === undefined || n === undefined || n === 0 ? undefined : s / n;
}

/** What a viewer may know of what arrives. undefined: the browser does not say, or not yet. */
export interface Figures {
  video: { codec: string; width?: number; height?: number; fps?: number; bitrateBPS?: number } | undefined;
  audio: { codec: string; channels?: number; bitrateBPS?: number } | undefined;
  /** Share of packets lost since the last look, 0 to 1. */
  loss?: number;
  jitterMS?: number;
  roundTripMS?: number;
  /** Time in the browser's own buffer. */
  bufferMS?: number;
  /** From capture to screen, by the publisher's clock against this machine's: as right as the two clocks. */
  delayMS?: number;
  freezes?: number;
  framesDecoded?: number;
}

/** NTP counts from 1900, Unix from 1970. */
const ntpToUnixMS = 2_208_988_800_000;

/** Figures of a receiving connection between two looks. now is Unix time in ms. */
export function figuresOf(look: Look, before: Look | undefined, now: number): Figures {
  const video = find(look, 'inbound-rtp', 'video');
  const audio = find(look, 'inbound-rtp', 'audio');
  const leading = number(video, 'framesDecoded') ? video : audio;
  return compact({
    video: video && number(video, 'bytesReceived') ? videoOf(look, before, video) : undefined,
    audio: audio && number(audio, 'bytesReceived') ? audioOf(look, before, audio) : undefined,
    loss: lossOf([video, audio], before),
    jitterMS: times1000(number(leading, 'jitter')),
    roundTripMS: times1000(number(activePair(look), 'currentRoundTripTime')),
    bufferMS: times1000(meanOf(leading, before, 'jitterBufferDelay', 'jitterBufferEmittedCount')),
    delayMS: delayOf(leading, now),
    freezes: number(video, 'freezeCount'),
    framesDecoded: number(video, 'framesDecoded'),
  });
}

/** The pair of candidates that carries the session. */
export function activePair(look: Look): Stat | undefined {
  const selected = text(find(look, 'transport'), 'selectedCandidatePairId');
  const pair = look.get(selected);
  if (pair) return pair;
  return [...look.values()].find(
    s => s.type === 'candidate-pair' && s['state'] === 'succeeded' && s['nominated'] === true,
  );
}

/** The name of a codec as people write it. */
export function codecName(look: Look, stat: Stat | undefined): string {
  const mime = text(look.get(text(stat, 'codecId')), 'mimeType');
  const name = mime.split('/')[1] ?? '';
  return name === 'opus' ? 'Opus' : name === 'H264' ? 'H.264' : name;
}

function videoOf(look: Look, before: Look | undefined, stat: Stat): Figures['video'] {
  return compact({
    codec: codecName(look, stat),
    width: number(stat, 'frameWidth'),
    height: number(stat, 'frameHeight'),
    fps: perSecond(stat, before, 'framesDecoded') ?? number(stat, 'framesPerSecond'),
    bitrateBPS: times8(perSecond(stat, before, 'bytesReceived')),
  });
}

function audioOf(look: Look, before: Look | undefined, stat: Stat): Figures['audio'] {
  return compact({
    codec: codecName(look, stat),
    channels: number(look.get(text(stat, 'codecId')), 'channels'),
    bitrateBPS: times8(perSecond(stat, before, 'bytesReceived')),
  });
}

function lossOf(stats: (Stat | undefined)[], before: Look | undefined): number | undefined {
  let lost = 0;
  let all = 0;
  for (const stat of stats) {
    const gone = perSecond(stat, before, 'packetsLost') ?? 0;
    lost += gone;
    all += gone + (perSecond(stat, before, 'packetsReceived') ?? 0);
  }
  return all === 0 ? undefined : lost / all;
}

function delayOf(stat: Stat | undefined, now: number): number | undefined {
  const playing = number(stat, 'estimatedPlayoutTimestamp');
  if (playing === undefined || playing === 0) return undefined;
  const delay = now - (playing - ntpToUnixMS);
  // Clocks that disagree give nonsense; better no figure than a wrong one.
  return delay >= 0 && delay < 60_000 ? delay : undefined;
}

const times1000 = (n: number | undefined) => (n === undefined ? undefined : n * 1000);
const times8 = (n: number | undefined) => (n === undefined ? undefined : n * 8);

/** Leaves out what is undefined, so that "not known" has one form. */
function compact<T extends object>(
  o: T,
): { [K in keyof T]: Exclude<T[K], undefined> } & { video: never; audio: never } {
  return Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined)) as never;
}

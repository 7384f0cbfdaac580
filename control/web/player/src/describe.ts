/** Says problems and figures in the viewer's words. Pure. */
import { type Problem } from './problem';
import { type Figures } from './rates';
import { type Text } from './texts';

/** The sentence for a problem: ours by kind, then by status, else the server's own title. */
export function describeProblem(problem: Problem, t: Text): string {
  switch (problem.kind) {
    case 'codec-unsupported':
      return t('problem.codec-unsupported');
    case 'joins-limit':
      return t('problem.joins-limit');
    case 'event-unknown':
      return t('problem.not-found');
    case 'embed-refused':
      return t('problem.embed-refused');
    case 'not-here':
      return t('problem.not-here');
    case 'browser':
      return t('problem.browser');
    case 'unreachable':
    case 'timeout':
    case 'media':
    case 'quiet':
      return t('problem.unreachable');
  }
  switch (problem.status) {
    case 401:
      return t('problem.unauthorized');
    case 403:
      return t('problem.forbidden');
    case 404:
      return t('problem.not-found');
  }
  if (problem.kind === 'answer' || problem.status === 429 || problem.status >= 500) return t('problem.busy');
  return problem.title;
}

/** Numbers as people write them: units never change, signs come from Intl. */
export class Units {
  readonly #language: string;

  constructor(language: string) {
    this.#language = language;
  }

  /** kbit/s below one million bits a second, Mbit/s above. */
  bitrate(bps: number): string {
    return bps < 1_000_000
      ? `${this.#number(bps / 1000, 0)}\u00a0kbit/s`
      : `${this.#number(bps / 1_000_000, 1)}\u00a0Mbit/s`;
  }

  /** ms below one second, seconds above. */
  time(ms: number): string {
    return ms < 1000 ? `${this.#number(ms, 0)}\u00a0ms` : `${this.#number(ms / 1000, 1)}\u00a0s`;
  }

  count(n: number): string {
    return this.#number(n, 0);
  }

  share(share: number): string {
    return new Intl.NumberFormat(this.#language, { style: 'percent', maximumFractionDigits: 1 }).format(
      share,
    );
  }

  #number(n: number, digits: number): string {
    return new Intl.NumberFormat(this.#language, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(n);
  }
}

/** What Details knows beside the figures. */
export interface Circumstances {
  edge: string;
  layer: string;
  session: string;
  firstPictureMS: number | undefined;
}

/** The rows of Details, in order: key of the label, and value. */
export function rowsOf(f: Figures | undefined, c: Circumstances, t: Text, u: Units): [string, string][] {
  const none = t('figure.none');
  const or = (n: number | undefined, say: (n: number) => string) => (n === undefined ? none : say(n));
  const audio = f?.audio;
  const channels = audio?.channels === undefined ? '' : ` ${t(audio.channels > 1 ? 'stereo' : 'mono')}`;
  const size =
    f?.video?.width !== undefined && f.video.height !== undefined
      ? `${String(f.video.width)} × ${String(f.video.height)}`
      : none;
  return [
    [t('figure.video'), f?.video?.codec ?? none],
    [t('figure.size'), size],
    [t('figure.fps'), or(f?.video?.fps, n => String(Math.round(n)))],
    [t('figure.videoRate'), or(f?.video?.bitrateBPS, n => u.bitrate(n))],
    [t('figure.audio'), audio ? audio.codec + channels : none],
    [t('figure.audioRate'), or(audio?.bitrateBPS, n => u.bitrate(n))],
    [t('figure.loss'), or(f?.loss, n => u.share(n))],
    [t('figure.jitter'), or(f?.jitterMS, n => u.time(n))],
    [t('figure.roundTrip'), or(f?.roundTripMS, n => u.time(n))],
    [t('figure.buffer'), or(f?.bufferMS, n => u.time(n))],
    [t('figure.delay'), or(f?.delayMS, n => u.time(n))],
    [t('figure.freezes'), or(f?.freezes, n => String(n))],
    [t('figure.first'), or(c.firstPictureMS, n => u.time(n))],
    [t('figure.delivery'), 'WebRTC'],
    [t('figure.layer'), c.layer === '' ? none : c.layer],
    [t('figure.edge'), c.edge === '' ? none : c.edge],
    [t('figure.session'), c.session === '' ? none : c.session],
  ];
}

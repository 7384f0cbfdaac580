/** "/live/{stream}": from camera or screen onto the air, in two acts. */
import { Units } from '@freshet/player/describe';
import { el } from '@freshet/player/dom';
import { type Problem, asProblem } from '@freshet/player/problem';
import { getStream, slugOf, whipOf } from '../ui/api';
import { copyField } from '../ui/copy';
import { fontsAfterPicture } from '../ui/fonts';
import { frame } from '../ui/frame';
import { poll } from '../ui/live';
import { pageLanguage } from '../ui/language';
import { pageTexts } from '../ui/texts';
import { AirBar } from './air';
import { Checks } from './checks';
import { SentFigures } from './figures';
import { describe } from './problems';
import { publish } from './publisher';
import { SourceForm } from './source';
import '../ui/base.css';
import './meter.css';
import './live.css';

const t = pageTexts();
const units = new Units(pageLanguage());
const id = slugOf(location.pathname);
document.title = t('live.title', { stream: id });

let onAir: AbortController | undefined;

const video = el('video', {
  class: 'preview',
  muted: true,
  playsinline: true,
  autoplay: true,
  'aria-label': t('live.preview'),
});
video.muted = true; // the attribute alone does not mute an element made by script
const empty = el('p', { class: 'empty' }, t('live.preview.empty'));
const problem = el('div', { class: 'problem', role: 'alert', hidden: true });
const form = new SourceForm(t, keyFromAddress());
const figures = new SentFigures(t, units);
const checks = new Checks(t);
const bar = new AirBar(t, { start, stop });
const whip = el('div', {}, copyField(whipOf(id), t('home.whip'), t));

frame(
  t,
  [el('h1', { class: 'title' }, t('live.title', { stream: id })), bar.badge],
  el(
    'div',
    { class: 'studio' },
    el(
      'div',
      { class: 'first' },
      el('div', { class: 'stage' }, video, empty),
      form.meter.element,
      problem,
      bar.element,
      figures.element,
    ),
    el(
      'div',
      { class: 'second' },
      form.element,
      checks.element,
      el(
        'section',
        { class: 'card', 'aria-labelledby': 'encoder' },
        el('h2', { id: 'encoder' }, t('live.encoder')),
        el('p', { class: 'small muted' }, t('live.encoder.text')),
        whip,
      ),
    ),
  ),
);
fontsAfterPicture();

form.on({
  captured: media => {
    video.srcObject = media ?? null;
    empty.hidden = media !== undefined;
    problem.hidden = true;
    update();
    void video.play().catch(() => undefined); // it plays when the page may
  },
  failed: showProblem,
  changed: update,
});
setInterval(update, 500); // sound is heard at any time
update();

poll(signal => getStream(id, signal), {
  value: now => {
    bar.watching(now.viewers);
  },
  age: () => undefined,
  failed: thrown => {
    if (asProblem(thrown).status === 404 && !onAir) showProblem(asProblem(thrown));
  },
});

function update(): void {
  const lives = (track: MediaStreamTrack) => track.readyState === 'live';
  checks.update({
    picture: form.media?.getVideoTracks().some(lives) === true,
    sound: form.meter.heard,
    key: form.key !== '',
  });
  bar.ready(form.media?.getTracks().some(lives) === true && form.key !== '');
}

function start(): void {
  const media = form.media;
  if (!media || onAir) return;
  onAir = new AbortController();
  const { signal } = onAir;
  problem.hidden = true;
  form.lock(true);
  bar.connecting();
  const wish = {
    endpoint: whipOf(id),
    key: form.key,
    stream: media,
    codec: form.codec,
    simulcast: form.simulcast,
  };
  publish(
    wish,
    {
      live: session => {
        bar.live();
        problem.hidden = true;
        figures.session(session);
        document.title = `(${t('live')}) ${id}`;
      },
      again: why => {
        bar.connecting();
        showProblem(why);
      },
      figures: sent => {
        figures.update(sent);
      },
    },
    signal,
  )
    .catch((thrown: unknown) => {
      showProblem(asProblem(thrown));
    })
    .finally(() => {
      onAir = undefined;
      form.lock(false);
      figures.clear();
      bar.off();
      update();
      document.title = t('live.title', { stream: id });
    });
}

function stop(): void {
  onAir?.abort();
}

function showProblem(why: Problem): void {
  const more = [
    why.detail,
    why.more.instance === undefined ? '' : t('problem.log', { id: why.more.instance }),
  ]
    .filter(line => line !== '')
    .join(' · ');
  const what = describe(why, t);
  // The same again is not said again: readers would hear it each time, and opened details would close.
  const shown = `${what}\n${more}`;
  if (!problem.hidden && problem.dataset['shown'] === shown) return;
  problem.dataset['shown'] = shown;
  problem.replaceChildren(el('strong', {}, what));
  if (more !== '')
    problem.append(el('details', {}, el('summary', {}, t('problem.details')), el('p', {}, more)));
  problem.hidden = false;
}

/** A key in the fragment (it never reaches a server) is taken out of the address, where others would see it. */
function keyFromAddress(): string {
  const key = new URLSearchParams(location.hash.slice(1)).get('key') ?? '';
  if (key !== '') history.replaceState(null, '', location.pathname + location.search);
  return key;
}

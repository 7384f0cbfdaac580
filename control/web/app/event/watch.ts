/** "/e/{slug}": the picture first; who else watches, and how to share, below it. */
import '@freshet/player';
import { type StateDetail } from '@freshet/player';
import { el, onPress, say } from '@freshet/player/dom';
import { apiBase, getStream, slugOf } from '../ui/api';
import { copyButton, copyField } from '../ui/copy';
import { fontsAfterPicture } from '../ui/fonts';
import { frame } from '../ui/frame';
import { poll, staleAfterMS } from '../ui/live';
import { pageTexts } from '../ui/texts';
import '../ui/base.css';
import './watch.css';

const t = pageTexts();
const slug = slugOf(location.pathname);
document.title = slug;

const player = el('freshet-player', {
  event: slug,
  api: apiBase,
  autoplay: true,
  keys: 'page',
  class: 'player',
});
const viewers = el('p', { class: 'figure muted', hidden: true });
const page = new URL(`/e/${encodeURIComponent(slug)}`, location.origin).href;
const frameCode = `<iframe src="${new URL(`/embed/${encodeURIComponent(slug)}`, location.origin).href}" width="640" height="420" allow="autoplay; fullscreen; picture-in-picture" title="Freshet"></iframe>`;

const embed = el(
  'section',
  { class: 'card embed', hidden: true, 'aria-labelledby': 'embed' },
  el('h2', { id: 'embed' }, t('watch.embed')),
  el('p', { class: 'muted' }, t('watch.embed.text')),
  copyField(frameCode, t('watch.embed.code'), t),
);
const embedButton = el(
  'button',
  { type: 'button', class: 'button', 'aria-expanded': 'false' },
  t('watch.embed'),
);
onPress(embedButton, () => {
  embed.hidden = !embed.hidden;
  embedButton.setAttribute('aria-expanded', String(!embed.hidden));
});

frame(
  t,
  [el('h1', { class: 'title' }, slug)],
  el(
    'div',
    { class: 'watch' },
    player,
    el(
      'div',
      { class: 'under' },
      viewers,
      el('span', { class: 'space' }),
      copyButton(() => page, t('watch.copyLink'), t),
      embedButton,
    ),
    embed,
  ),
);
fontsAfterPicture(player);

player.addEventListener('freshet-state', event => {
  const { state } = (event as CustomEvent<StateDetail>).detail;
  const live = state === 'playing' || state === 'moving' || state === 'stalled';
  document.title = live ? `(${t('live')}) ${slug}` : slug;
});

/** Counting viewers is worth no load before the first frame. */
player.addEventListener(
  'freshet-picture',
  () => {
    poll(signal => getStream(slug, signal), {
      value: stream => {
        viewers.hidden = false;
        say(viewers, t('viewers', { n: stream.viewers }));
      },
      age: ms => {
        viewers.classList.toggle('stale', ms > staleAfterMS);
      },
    });
  },
  { once: true },
);

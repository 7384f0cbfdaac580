/**
 * "/e/{slug}": the picture first; who else watches, and how to share, below it. Who came in before plays at once, and
 * visit.ts tells the title after the first picture; for all others it asks for the event, and for what lets them in.
 */
import '@freshet/player';
import { type StateDetail } from '@freshet/player';
import { el, onPress, say } from '@freshet/player/dom';
import { apiBase, getStream, slugOf } from '../ui/api';
import { copyButton, copyField } from '../ui/copy';
import { fontsAfterPicture } from '../ui/fonts';
import { frame } from '../ui/frame';
import { poll, staleAfterMS } from '../ui/live';
import { pageTexts } from '../ui/texts';
import { stayOf } from './stay';
import type { Visit } from './visit';
import { streamOfAddress } from './waiting';
import '../ui/base.css';
import './watch.css';

const t = pageTexts();
const slug = slugOf(location.pathname);
let title = slug;
document.title = title;

const stay = stayOf(slug);
const known = stay !== undefined && stay.entry.expires > Date.now();
const player = el('freshet-player', {
  event: slug,
  api: apiBase,
  token: known ? stay.entry.token : undefined,
  language: known ? stay.knock.language : undefined,
  autoplay: known,
  standby: 'warm',
  keys: 'page',
  class: known ? 'player' : 'player unsaid',
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

const heading = el('h1', { class: 'title' }, slug);
const watch = el(
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
);
frame(t, [heading], watch);
fontsAfterPicture(player);

/** Writes the title of the page, with what it does. */
function name(): void {
  const live = player.state === 'playing' || player.state === 'moving' || player.state === 'stalled';
  document.title = live ? `(${t('live')}) ${title}` : title;
}

let loading: Promise<Visit> | undefined;
let visit: Visit | undefined;

/** Asks what the event is; many at once where all who watch have the same reason. */
function look(many: boolean): void {
  loading ??= import('./visit').then(module => {
    const place = {
      slug,
      player,
      watch,
      heading,
      t,
      embeddable: (is: boolean) => {
        embedButton.hidden = !is;
        embed.hidden ||= !is;
      },
      name: (now: string) => {
        title = now;
        say(heading, title);
        name();
      },
    };
    return (visit = new module.Visit(place));
  });
  loading.then(
    loaded => {
      loaded.look(many);
    },
    () => {
      // A newer build took its place, or the line is down: the player alone is what the page has.
      player.classList.remove('unsaid');
      if (player.state === 'idle') player.play();
    },
  );
}

player.addEventListener('freshet-state', event => {
  const { state, problem } = (event as CustomEvent<StateDetail>).detail;
  name();
  // No live event here. Whether there is one before or after its time is known in a moment, and said by then.
  const unknown = state === 'refused' && problem?.status === 404 && visit?.none !== true;
  player.classList.toggle('unsaid', unknown);
  if (state === 'refused') look(false);
  else if (state === 'waiting' || state === 'ended' || state === 'stalled') look(true);
});

/** Counting viewers is worth no load before the first frame, and neither is a title. */
player.addEventListener(
  'freshet-picture',
  () => {
    const stream = streamOfAddress(player.whep) || slug;
    if (stream !== slug) look(false); // else it is a stream without an event
    // The player may make room for the event's page; nobody sees the figure then.
    poll(signal => (watch.hidden ? Promise.reject(new Error('hidden')) : getStream(stream, signal)), {
      value: now => {
        viewers.hidden = false;
        say(viewers, t('viewers', { n: now.viewers }));
      },
      age: ms => {
        viewers.classList.toggle('stale', ms > staleAfterMS);
      },
    });
  },
  { once: true },
);

if (!known) look(false);

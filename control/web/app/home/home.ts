/** "/": the sample plays; where to watch, to go live, and what is on the air. */
import '@freshet/player';
import { el, say } from '@freshet/player/dom';
import { type Stream, apiBase, listStreams, setupNeeded, whipOf } from '../ui/api';
import { numberForm } from '../join/form';
import { joinTexts } from '../join/texts';
import { copyField } from '../ui/copy';
import { fontsAfterPicture } from '../ui/fonts';
import { frame } from '../ui/frame';
import { poll, staleAfterMS } from '../ui/live';
import { pageTexts } from '../ui/texts';
import '../ui/base.css';
import './home.css';

/** The stream that `freshet up` runs. */
const sample = 'sample';

const t = pageTexts();
document.title = t('home.title');

const player = el('freshet-player', {
  event: sample,
  api: apiBase,
  autoplay: true,
  keys: 'page',
  class: 'player',
});
const addresses = el('div', { class: 'addresses' });
const rows = el('ul', { class: 'streams' });
const empty = el('p', { class: 'muted', hidden: true }, t('home.streams.empty'));
const age = el('p', { class: 'small muted figure', hidden: true });

// Both stand in the top bar, where nothing moves when it is known which of the two is for whoever looks.
const enter = el('a', { class: 'button quiet', href: '/login', hidden: true }, t('home.logIn'));
const setUp = el(
  'p',
  { class: 'setup', hidden: true },
  el('span', { class: 'muted' }, t('home.setUp')),
  el('a', { class: 'button main', href: '/setup' }, t('home.setUp.act')),
);

frame(
  t,
  [el('span', { class: 'space' }), setUp, enter],
  el(
    'div',
    { class: 'hero' },
    el(
      'div',
      { class: 'words' },
      el('h1', {}, t('home.heading')),
      el('p', {}, t('home.lead')),
      el(
        'p',
        { class: 'links' },
        el('a', { class: 'button main', href: `/live/${sample}` }, t('home.goLive')),
        el('a', { class: 'button', href: `/e/${sample}` }, t('home.watch')),
        el('a', { class: 'button', href: '/orders/new' }, t('home.quote')),
      ),
      numberForm(joinTexts()),
    ),
    player,
  ),
  el(
    'div',
    { class: 'columns' },
    el(
      'section',
      { class: 'card', 'aria-labelledby': 'streams' },
      el('h2', { id: 'streams' }, t('home.streams')),
      rows,
      empty,
      age,
    ),
    el(
      'section',
      { class: 'card', 'aria-labelledby': 'addresses' },
      el('h2', { id: 'addresses' }, t('home.addresses')),
      el('p', { class: 'muted' }, t('home.addresses.text')),
      addresses,
    ),
    el(
      'section',
      { class: 'card', 'aria-labelledby': 'path' },
      el('h2', { id: 'path' }, t('home.path')),
      el(
        'ol',
        { class: 'path' },
        el('li', {}, t('home.path.origin')),
        el('li', {}, t('home.path.relay')),
        el('li', {}, t('home.path.edge')),
        el('li', {}, t('home.path.control')),
      ),
    ),
  ),
);
fontsAfterPicture(player);

void setupNeeded()
  .catch(() => false) // the database is away: the page is as it is with an account
  .then(needed => {
    setUp.hidden = !needed;
    enter.hidden = needed;
  });

let whip = '';
let whep = '';

/** Writes the addresses once they are known; they change only when a node does. */
function showAddresses(): void {
  const nowWHIP = whipOf(sample);
  const nowWHEP = player.whep;
  if (nowWHIP === whip && nowWHEP === whep) return;
  [whip, whep] = [nowWHIP, nowWHEP];
  addresses.replaceChildren(
    el('h3', {}, t('home.whip')),
    copyField(whip, t('home.whip'), t),
    el('p', { class: 'small muted' }, t('home.whip.text')),
  );
  if (whep === '') return;
  addresses.append(
    el('h3', {}, t('home.whep')),
    copyField(whep, t('home.whep'), t),
    el('p', { class: 'small muted' }, t('home.whep.text')),
  );
}

/** One row a stream, kept in place: rows are added and their figures changed, never sorted under the pointer. */
const known = new Map<string, { row: HTMLElement; badge: HTMLElement; viewers: HTMLElement }>();

function showStreams(streams: readonly Stream[]): void {
  for (const [id, { row }] of known) {
    if (streams.some(stream => stream.id === id)) continue;
    row.remove();
    known.delete(id);
  }
  for (const stream of streams) {
    let entry = known.get(stream.id);
    if (!entry) {
      const badge = el('span', { class: 'badge' });
      const viewers = el('span', { class: 'small muted figure' });
      const row = el(
        'li',
        {},
        el('a', { class: 'name', href: `/e/${stream.id}` }, stream.id),
        badge,
        viewers,
        el(
          'a',
          {
            class: 'button quiet',
            href: `/live/${stream.id}`,
            'aria-label': t('home.goLiveOn', { stream: stream.id }),
          },
          t('home.goLive'),
        ),
      );
      entry = { row, badge, viewers };
      known.set(stream.id, entry);
      rows.append(row);
    }
    entry.badge.classList.toggle('live', stream.live);
    say(entry.badge, t(stream.live ? 'live' : 'off'));
    say(entry.viewers, t('viewers', { n: stream.viewers }));
  }
  empty.hidden = streams.length > 0;
  showAddresses();
}

poll(listStreams, {
  value: showStreams,
  age: ms => {
    const stale = ms > staleAfterMS;
    rows.classList.toggle('stale', stale);
    age.hidden = !stale;
    if (stale) say(age, t('stale', { seconds: Math.round(ms / 1000) }));
  },
});
// The edge that serves is known with the first picture.
player.addEventListener('freshet-picture', () => {
  showAddresses();
});

/** The player's elements, without behaviour: what stands where, and under which part name a page may style it. */
import { el } from './dom';
import { type Icon, icon } from './icons';
import { delta } from './mark';
import { type Text } from './texts';

export interface Surface {
  root: HTMLDivElement;
  stage: HTMLDivElement;
  video: HTMLVideoElement;
  poster: HTMLDivElement;
  card: HTMLDivElement;
  cardTitle: HTMLParagraphElement;
  cardText: HTMLParagraphElement;
  bigPlay: HTMLButtonElement;
  again: HTMLButtonElement;
  notice: HTMLDivElement;
  noticeText: HTMLParagraphElement;
  noticeAgain: HTMLButtonElement;
  bar: HTMLDivElement;
  play: HTMLButtonElement;
  badge: HTMLSpanElement;
  soundOn: HTMLButtonElement;
  mute: HTMLButtonElement;
  volume: HTMLInputElement;
  quality: HTMLSelectElement;
  details: HTMLButtonElement;
  pip: HTMLButtonElement;
  full: HTMLButtonElement;
  keys: HTMLButtonElement;
  panel: HTMLElement;
  status: HTMLDivElement;
}

export function surfaceOf(t: Text): Surface {
  const video = el('video', {
    part: 'video',
    playsinline: true,
    tabindex: -1,
    'aria-label': t('figure.video'),
  });
  const poster = el('div', { class: 'poster', part: 'poster' }, delta());
  const bigPlay = button('play', t('play'), 'big', 'big-play');
  const cardTitle = el('p', { class: 'card-title' });
  const cardText = el('p', { class: 'card-text' });
  const again = el('button', { type: 'button', class: 'plain', part: 'again' }, icon('again'), t('again'));
  const card = el('div', { class: 'card', part: 'card', hidden: true }, cardTitle, cardText, again);
  const stage = el('div', { class: 'stage', part: 'stage' }, video, poster, card, bigPlay);

  const noticeText = el('p');
  const noticeAgain = el('button', { type: 'button', class: 'plain' }, icon('again'), t('again'));
  const notice = el(
    'div',
    { class: 'notice', part: 'notice', hidden: true },
    icon('warn'),
    noticeText,
    noticeAgain,
  );

  const play = button('play', t('play'), 'tool', 'play');
  const badge = el('span', { class: 'badge', part: 'badge' });
  const soundOn = el(
    'button',
    { type: 'button', class: 'main', part: 'sound-on', hidden: true },
    icon('sound'),
    el('span', {}, t('soundOn')),
  );
  const mute = button('sound', t('mute'), 'tool', 'mute');
  const volume = el('input', {
    type: 'range',
    min: 0,
    max: 100,
    step: 5,
    value: 100,
    class: 'volume',
    part: 'volume',
    'aria-label': t('volume'),
  });
  const quality = el('select', {
    class: 'quality',
    part: 'quality',
    'aria-label': t('quality'),
    hidden: true,
  });
  const details = button('details', t('details'), 'tool', 'details');
  details.setAttribute('aria-expanded', 'false');
  const pip = button('picture', t('picture'), 'tool', 'picture');
  const full = button('full', t('full'), 'tool', 'full');
  const keys = button('keys', t('keys'), 'tool', 'keys');
  const bar = el(
    'div',
    { class: 'bar', part: 'bar', role: 'group', 'aria-label': t('player') },
    play,
    badge,
    soundOn,
    mute,
    volume,
    el('span', { class: 'space' }),
    quality,
    details,
    keys,
    pip,
    full,
  );

  const panel = el('section', {
    class: 'panel',
    part: 'panel',
    hidden: true,
    'aria-label': t('details'),
    tabindex: 0,
  });
  const status = el('div', { class: 'unseen', role: 'status' });
  const root = el('div', { class: 'root', part: 'root' }, stage, notice, bar, panel, status);
  return {
    root,
    stage,
    video,
    poster,
    card,
    cardTitle,
    cardText,
    bigPlay,
    again,
    notice,
    noticeText,
    noticeAgain,
    bar,
    play,
    badge,
    soundOn,
    mute,
    volume,
    quality,
    details,
    pip,
    full,
    keys,
    panel,
    status,
  };
}

/** A button that is a drawing, with a name. */
function button(drawing: Icon, name: string, className: string, part: string): HTMLButtonElement {
  return el(
    'button',
    { type: 'button', class: className, part, 'aria-label': name, title: name },
    icon(drawing),
  );
}

/** Puts another drawing on a button. */
export function draw(target: HTMLButtonElement, drawing: Icon): void {
  if (target.dataset['icon'] === drawing) return;
  target.dataset['icon'] = drawing;
  target.querySelector('.icon')?.replaceWith(icon(drawing));
}

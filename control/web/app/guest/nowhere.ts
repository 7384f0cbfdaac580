/** In place of a page that cannot be shown: why, and what to do. */
import { el, onPress } from '@freshet/player/dom';
import { type Text } from './texts';

/** why is what is wrong with the address; without it nobody answered, and it can be tried again. */
export function nowhere(why: string | undefined, t: Text, again: () => void): HTMLElement {
  return el(
    'section',
    { class: 'card', role: 'alert' },
    el('h1', {}, t(why === undefined ? 'nobody' : 'nowhere')),
    el('p', {}, why ?? t('nobody.text')),
    why === undefined
      ? el('div', {}, onPress(el('button', { class: 'button main' }, t('retry')), again))
      : null,
  );
}

/** Ready? What stands before the first act, each with one thing to do. */
import { el, say } from '@freshet/player/dom';
import { type Key, type Text } from '../ui/texts';

export interface Ready {
  picture: boolean;
  sound: boolean;
  key: boolean;
}

const items = ['picture', 'sound', 'key'] as const;

export class Checks {
  readonly element: HTMLElement;
  #lines: Record<(typeof items)[number], HTMLElement>;

  constructor(private readonly t: Text) {
    this.#lines = { picture: el('li'), sound: el('li'), key: el('li') };
    this.element = el(
      'section',
      { class: 'card checks', 'aria-labelledby': 'ready' },
      el('h2', { id: 'ready' }, t('checks.title')),
      el('ul', {}, ...items.map(item => this.#lines[item])),
    );
  }

  update(ready: Ready): void {
    for (const item of items) {
      const line = this.#lines[item];
      line.classList.toggle('ok', ready[item]);
      say(line, this.t(`checks.${item}.${ready[item] ? 'ok' : 'todo'}` satisfies Key));
    }
  }
}

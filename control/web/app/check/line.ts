/** One line of the check: what is looked at, how it stands, and the one thing to do. */
import { el, onPress, say } from '@freshet/player/dom';
import { type Text } from './texts';

/** asks waits for the person; untested is nobody's fault. */
export type State = 'running' | 'asks' | 'ok' | 'bad' | 'untested';

export interface Act {
  name: string;
  on: () => void;
}

export class Line {
  readonly element: HTMLElement;
  /** What the line shows beside its words: a meter, a picture. */
  readonly more = el('div', { class: 'more', hidden: true });
  state: State = 'running';

  #chip = el('span', { class: 'chip' });
  #text = el('p', {});
  #acts = el('div', { class: 'acts' });

  constructor(
    readonly name: string,
    private readonly t: Text,
    private readonly changed: () => void,
  ) {
    this.element = el(
      'li',
      { class: 'card line' },
      el('div', { class: 'head' }, el('h2', {}, name), this.#chip),
      this.#text,
      this.more,
      this.#acts,
    );
  }

  set(state: State, text: string, ...acts: Act[]): void {
    this.state = state;
    this.element.dataset['state'] = state;
    say(this.#chip, this.t(`state.${state}`));
    say(this.#text, text);
    const focused = this.#acts.contains(document.activeElement);
    this.#acts.replaceChildren(
      ...acts.map(({ name, on }) => onPress(el('button', { type: 'button', class: 'button' }, name), on)),
    );
    if (focused) this.#focus();
    this.changed();
  }

  /** As the report has it. */
  get report(): string {
    return `${this.name}: ${this.t(`state.${this.state}`)}. ${this.#text.textContent}`;
  }

  /** Where the button that was pressed is gone, the next one, or the line itself, has the focus. */
  #focus(): void {
    const next = this.#acts.querySelector('button');
    if (next) next.focus();
    else {
      this.#text.tabIndex = -1;
      this.#text.focus();
    }
  }
}

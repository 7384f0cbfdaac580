/** A form that asks the server one thing; what it refuses stands at the inputs and, where it is more than one, on top. */
import { el, say } from '@freshet/player/dom';
import { type Act } from './act';
import { type Field } from './field';
import './form.css';

export class Form {
  readonly root: HTMLFormElement;
  /** Above the inputs: what is wrong with none of them, or with several. */
  readonly #top = el('div', { class: 'problem', role: 'alert', hidden: true });

  /** summary says how many entries are wrong. submit never throws. */
  constructor(
    readonly fields: readonly Field[],
    readonly act: Act,
    private readonly summary: (n: number) => string,
    submit: () => Promise<void>,
    ...more: HTMLElement[]
  ) {
    this.root = el(
      'form',
      { class: 'form', novalidate: true },
      this.#top,
      ...fields.map(({ root }) => root),
      ...more,
      el('div', { class: 'acts' }, act.button),
    );
    this.root.addEventListener('submit', event => {
      event.preventDefault();
      if (act.busy) return;
      this.right();
      void submit();
    });
    for (const field of fields) {
      field.input.addEventListener('input', () => {
        field.wrong('');
      });
    }
  }

  /** What stands in the input of that name; '' without one. */
  value(name: string): string {
    return this.fields.find(field => field.name === name)?.input.value ?? '';
  }

  /** Takes back what was said to be wrong. */
  right(): void {
    this.#top.hidden = true;
    this.#top.replaceChildren();
    for (const field of this.fields) field.wrong('');
  }

  /** Says what is wrong with the form as a whole. */
  fail(text: string): void {
    this.#top.hidden = false;
    this.#top.replaceChildren(el('p', {}, text));
  }

  /** Says what is wrong at each input, by its name, and goes to the first. Answers whether there is one. */
  refuse(wrong: ReadonlyMap<string, string>): boolean {
    const at = this.fields.filter(({ name }) => wrong.has(name));
    for (const field of at) field.wrong(wrong.get(field.name) ?? '');
    if (at.length > 1) {
      const list = at.map(({ input, label, name }) =>
        el('li', {}, el('a', { href: `#${input.id}` }, label), `: ${wrong.get(name) ?? ''}`),
      );
      this.#top.hidden = false;
      this.#top.replaceChildren(el('strong', {}, this.summary(at.length)), el('ul', {}, ...list));
    }
    at[0]?.input.focus();
    return at.length > 0;
  }
}

/** A sentence that is told to readers when it changes; empty ones take no room. */
export function status(text = ''): HTMLElement {
  const line = el('p', { class: 'muted small', role: 'status' });
  say(line, text);
  return line;
}

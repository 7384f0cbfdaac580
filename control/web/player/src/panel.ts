/** Details: what arrives, from where and by which hops, in figures. */
import { type Circumstances, type Units, rowsOf } from './describe';
import { el, onPress, say } from './dom';
import { Hops, type Source } from './hops';
import { icon } from './icons';
import { type Figures } from './rates';
import { type Text } from './texts';

/** Fills the panel once and then changes its figures in place, so that nothing moves. */
export class Panel {
  #values: HTMLElement[] = [];
  #copy: HTMLButtonElement;
  #rows: [string, string][] = [];
  #hops: Hops;

  constructor(
    private readonly host: HTMLElement,
    private readonly t: Text,
    private readonly units: Units,
  ) {
    this.#hops = new Hops(t, units);
    const label = el('span', {}, t('figure.copy'));
    const copy = async () => {
      try {
        const rows = [...this.#rows, ...this.#hops.rows()];
        await navigator.clipboard.writeText(rows.map(row => row.join('\t')).join('\n'));
        say(label, t('figure.copied'));
      } catch {
        // Not allowed here, or no clipboard, as in pages without TLS: the figures can still be selected.
      }
    };
    this.#copy = onPress(
      el('button', { type: 'button', class: 'plain' }, icon('copy'), label),
      () => void copy(),
    );
  }

  update(figures: Figures | undefined, circumstances: Circumstances, source: Source | undefined): void {
    void this.#hops.ask(source);
    this.#rows = rowsOf(figures, circumstances, this.t, this.units);
    if (this.#values.length === 0) {
      const list = el('dl');
      for (const [name] of this.#rows) {
        const value = el('dd');
        this.#values.push(value);
        list.append(el('div', {}, el('dt', {}, name), value));
      }
      this.host.append(list, this.#hops.element, this.#copy);
    }
    this.#rows.forEach(([, value], i) => {
      const cell = this.#values[i];
      if (cell) say(cell, value);
    });
  }
}

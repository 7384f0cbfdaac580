/** The table of hops in Details: how the stream comes to the edge. */
import { type Units } from './describe';
import { el, say } from './dom';
import { type Hop, columnsOf, hopName } from './path';
import { type Text } from './texts';

/** Who can say how the stream comes; undefined where it is not told. */
export interface Source {
  path(): Promise<Hop[] | undefined>;
}

/** Hidden until a source tells of hops. Its cells change in place while the hops are the same. */
export class Hops {
  readonly element: HTMLElement;

  #body = el('tbody');
  #hops: Hop[] = [];
  /** Who is being asked, so that a slow answer is not asked for twice. */
  #asking: Source | undefined;

  constructor(
    private readonly t: Text,
    private readonly units: Units,
  ) {
    const head = [t('path.hop'), ...columnsOf(t, units).map(([heading]) => heading)];
    // It scrolls sideways by itself where it is too wide, and so must take the focus.
    this.element = el(
      'div',
      { class: 'hops', role: 'region', tabindex: 0, 'aria-label': t('path'), hidden: true },
      el(
        'table',
        {},
        el('caption', {}, t('path')),
        el('thead', {}, el('tr', {}, ...head.map(heading => el('th', { scope: 'col' }, heading)))),
        this.#body,
      ),
    );
  }

  /** Asks source, unless its answer is still awaited, and shows what it says. */
  async ask(source: Source | undefined): Promise<void> {
    if (source !== undefined && source === this.#asking) return;
    this.#asking = source;
    const hops = await source?.path().catch(() => undefined);
    if (this.#asking !== source) return; // another is shown now
    this.#asking = undefined;
    this.#show(hops ?? []);
  }

  /** The table as rows of text, to be copied. */
  rows(): [string, string][] {
    const columns = columnsOf(this.t, this.units);
    return this.#hops.map(hop => [
      hopName(hop),
      columns.map(([heading, value]) => `${heading} ${value(hop)}`).join(', '),
    ]);
  }

  #show(hops: Hop[]): void {
    this.element.hidden = hops.length === 0;
    const same = hops.length === this.#hops.length && hops.every((hop, i) => hopName(hop) === this.#name(i));
    this.#hops = hops;
    const columns = columnsOf(this.t, this.units);
    if (!same) {
      this.#body.replaceChildren(
        ...hops.map(hop =>
          el('tr', {}, el('th', { scope: 'row' }, hopName(hop)), ...columns.map(() => el('td'))),
        ),
      );
    }
    hops.forEach((hop, i) => {
      columns.forEach(([, value], j) => {
        const cell = this.#body.rows[i]?.cells[j + 1];
        if (cell) say(cell, value(hop));
      });
    });
  }

  #name(i: number): string {
    const hop = this.#hops[i];
    return hop ? hopName(hop) : '';
  }
}

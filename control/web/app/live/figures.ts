/** What is being sent, in figures, while on the air. */
import { type Units } from '@freshet/player/describe';
import { el, say } from '@freshet/player/dom';
import { type Text } from '../ui/texts';
import { type Sent } from './sender';

export class SentFigures {
  readonly element: HTMLElement;
  #list = el('dl', { class: 'figures' });
  #limited = el('p', { class: 'small muted' });
  #cells = new Map<string, HTMLElement>();
  #session = '';

  constructor(
    private readonly t: Text,
    private readonly units: Units,
  ) {
    this.element = el(
      'section',
      { class: 'card', hidden: true, 'aria-labelledby': 'sent' },
      el('h2', { id: 'sent' }, t('sent.title')),
      this.#list,
      this.#limited,
    );
  }

  session(id: string): void {
    this.#session = id;
  }

  update(sent: Sent): void {
    const { t, units } = this;
    this.element.hidden = false;
    this.#set(t('sent.codec'), sent.codec === '' ? '–' : sent.codec);
    for (const layer of sent.layers) {
      const name = layer.rid === '' ? t('sent.picture') : t('sent.layer', { rid: layer.rid });
      const off = layer.fps === 0;
      this.#set(
        name,
        off
          ? t('sent.layerOff')
          : `${String(layer.width)} × ${String(layer.height)}, ${String(Math.round(layer.fps))} fps, ${units.bitrate(layer.bitrateBPS)}`,
      );
    }
    this.#set(t('sent.sound'), units.bitrate(sent.audioBPS));
    this.#set(t('sent.loss'), sent.loss === undefined ? '–' : units.share(sent.loss));
    this.#set(t('sent.roundTrip'), sent.roundTripMS === undefined ? '–' : units.time(sent.roundTripMS));
    this.#set(t('sent.session'), this.#session);
    say(
      this.#limited,
      sent.limitedBy === 'cpu'
        ? t('sent.limited.cpu')
        : sent.limitedBy === 'bandwidth'
          ? t('sent.limited.bandwidth')
          : '',
    );
  }

  clear(): void {
    this.element.hidden = true;
    this.#cells.clear();
    this.#list.replaceChildren();
  }

  #set(name: string, value: string): void {
    let cell = this.#cells.get(name);
    if (!cell) {
      cell = el('dd', { class: 'figure' });
      this.#cells.set(name, cell);
      this.#list.append(el('div', {}, el('dt', {}, name), cell));
    }
    say(cell, value);
  }
}

/** What is sent: camera or screen, microphone, key, codec, layers. */
import { el, onPress } from '@freshet/player/dom';
import { Problem } from '@freshet/player/problem';
import { type Text } from '../ui/texts';
import { type Capture, type Kind, capture, devices, stop } from './capture';
import { type Codec, codecNames, sendable } from './codecs';
import { Meter } from './meter';

export interface SourceEvents {
  captured(media: MediaStream | undefined): void;
  failed(why: Problem): void;
  changed(): void;
}

export class SourceForm {
  readonly element: HTMLElement;
  readonly meter: Meter;

  #capture: Capture | undefined;
  /** Counts presses: a person may ask for another source before the browser has given the last one. */
  #asked = 0;
  #events: SourceEvents | undefined;
  #camera = el('select', { autocomplete: 'off' });
  #microphone = el('select', { autocomplete: 'off' });
  #codec = el('select', { autocomplete: 'off' });
  #simulcast = el('input', { type: 'checkbox' });
  #key: HTMLInputElement;
  #devices: HTMLElement;
  #take: HTMLButtonElement[];

  constructor(
    private readonly t: Text,
    key: string,
  ) {
    this.meter = new Meter(t('source.meter'));
    this.#key = el('input', { type: 'password', autocomplete: 'off', spellcheck: 'false', value: key });
    const show = el(
      'button',
      { type: 'button', class: 'button', 'aria-pressed': 'false' },
      t('source.key.show'),
    );
    onPress(show, () => {
      const shown = this.#key.type === 'text';
      this.#key.type = shown ? 'password' : 'text';
      show.setAttribute('aria-pressed', String(!shown));
    });
    for (const codec of sendable()) this.#codec.append(el('option', { value: codec }, codecNames[codec]));
    this.#take = [this.#button('camera', t('source.camera')), this.#button('screen', t('source.screen'))];
    this.#devices = el(
      'div',
      { class: 'pair', hidden: true },
      field(t('source.cameraDevice'), this.#camera),
      field(t('source.microphone'), this.#microphone),
    );
    // A form of its own, as password fields are expected to stand in one; Enter in it sends nothing.
    const keyForm = el('form', { class: 'key' }, field(t('source.key'), this.#key), show);
    keyForm.addEventListener('submit', event => {
      event.preventDefault();
    });
    this.element = el(
      'section',
      { class: 'card form', 'aria-labelledby': 'source' },
      el('h2', { id: 'source' }, t('source.title')),
      el('div', { class: 'take' }, ...this.#take),
      this.#devices,
      keyForm,
      el(
        'div',
        { class: 'pair' },
        field(t('source.codec'), this.#codec),
        el('label', { class: 'switch' }, this.#simulcast, el('span', {}, t('source.simulcast'))),
      ),
      el('p', { class: 'small muted' }, t('source.simulcast.text')),
    );
    this.#key.addEventListener('input', () => this.#events?.changed());
    for (const select of [this.#camera, this.#microphone]) {
      select.addEventListener('change', () => {
        void this.#start('camera');
      });
    }
  }

  on(events: SourceEvents): void {
    this.#events = events;
  }

  get media(): MediaStream | undefined {
    return this.#capture?.stream;
  }

  get key(): string {
    return this.#key.value.trim();
  }

  get codec(): Codec {
    return sendable().find(codec => codec === this.#codec.value) ?? 'VP8';
  }

  get simulcast(): boolean {
    return this.#simulcast.checked;
  }

  /** While on the air what is sent stays as it is. */
  lock(locked: boolean): void {
    for (const control of [
      this.#camera,
      this.#microphone,
      this.#codec,
      this.#simulcast,
      this.#key,
      ...this.#take,
    ]) {
      control.disabled = locked;
    }
  }

  #button(kind: Kind, name: string): HTMLButtonElement {
    const button = el(
      'button',
      { type: 'button', class: 'button', 'aria-pressed': 'false', 'data-kind': kind },
      name,
    );
    return onPress(button, () => {
      void this.#start(kind);
    });
  }

  async #start(kind: Kind): Promise<void> {
    const asked = ++this.#asked;
    stop(this.#capture);
    this.#capture = undefined;
    this.#events?.changed();
    try {
      if (!('mediaDevices' in navigator)) throw new Problem('insecure', 0, 'Not a secure page');
      const taken = await capture(kind, this.#camera.value, this.#microphone.value);
      if (asked !== this.#asked) {
        stop(taken); // or its camera would stay on, with nobody to turn it off
        return;
      }
      this.#capture = taken;
    } catch (thrown) {
      if (asked !== this.#asked) return;
      this.meter.stop();
      this.#events?.captured(undefined);
      const kind =
        thrown instanceof Problem ? thrown.kind : thrown instanceof DOMException ? thrown.name : 'device';
      this.#events?.failed(new Problem(kind, 0, thrown instanceof Error ? thrown.message : kind));
    }
    for (const button of this.#take) {
      button.setAttribute('aria-pressed', String(button.dataset['kind'] === this.#capture?.kind));
    }
    if (!this.#capture) return;
    const { stream } = this.#capture;
    // A person may stop sharing by the browser's own button.
    stream.getVideoTracks()[0]?.addEventListener('ended', () => this.#events?.changed());
    this.meter.listen(stream);
    this.#events?.captured(stream);
    await this.#list(stream);
  }

  async #list(stream: MediaStream): Promise<void> {
    const used = new Set(stream.getTracks().map(track => track.getSettings().deviceId));
    const fill = (select: HTMLSelectElement, found: MediaDeviceInfo[]) => {
      select.replaceChildren(
        ...found.map(({ deviceId, label }, i) =>
          el(
            'option',
            { value: deviceId, selected: used.has(deviceId) },
            label === '' ? this.t('source.device', { n: i + 1 }) : label,
          ),
        ),
      );
    };
    fill(this.#camera, await devices('videoinput'));
    fill(this.#microphone, await devices('audioinput'));
    this.#devices.hidden = this.#capture?.kind !== 'camera';
  }
}

function field(name: string, control: HTMLElement): HTMLElement {
  return el('label', { class: 'field' }, el('span', {}, name), control);
}

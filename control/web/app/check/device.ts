/** The lines of microphone and camera: each asks for its device when it is pressed, and shows what comes of it. */
import { el } from '@freshet/player/dom';
import { Meter } from '../live/meter';
import { type Line } from './line';
import { type Text } from './texts';

/** How often the meter is asked whether it has heard anything. */
const listenEveryMS = 200;

type Kind = 'microphone' | 'camera';

export class Device {
  #stream: MediaStream | undefined;
  /** Counts presses: the browser may give a device when it is not wanted any more. */
  #asked = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #meter: Meter;
  #video = el('video', { muted: true, playsinline: true, autoplay: true });

  constructor(
    private readonly kind: Kind,
    private readonly line: Line,
    private readonly t: Text,
  ) {
    this.#meter = new Meter(t('microphone.meter'));
    this.#video.muted = true; // the attribute alone does not mute an element made by script
    this.#video.setAttribute('aria-label', t('camera.picture'));
    this.#video.addEventListener('loadeddata', () => {
      if (this.#stream) this.line.set('ok', t('camera.ok'), this.#off());
    });
    line.more.append(kind === 'camera' ? this.#video : this.#meter.element);
    this.reset();
  }

  /** As before it was pressed; the device is off. */
  reset(): void {
    this.#asked++;
    clearInterval(this.#timer);
    this.#meter.stop();
    this.#video.srcObject = null;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.line.more.hidden = true;
    this.line.set('asks', this.t(`${this.kind}.asks`), this.#on(this.t(`${this.kind}.act`)));
  }

  #on(name: string) {
    return { name, on: () => void this.#start() };
  }

  /** What was seen or heard stays said. */
  #off() {
    return {
      name: this.t('off'),
      on: () => {
        const { state } = this.line;
        this.reset();
        if (state === 'ok') this.line.set('ok', this.t(`${this.kind}.was`), this.#on(this.t('again.one')));
      },
    };
  }

  async #start(): Promise<void> {
    const asked = ++this.#asked;
    const { kind, line, t } = this;
    line.set('running', t('device.leave'));
    try {
      if (!('mediaDevices' in navigator)) throw new DOMException('', 'SecurityError');
      const taken = await navigator.mediaDevices.getUserMedia({
        audio: kind === 'microphone',
        video: kind === 'camera',
      });
      if (asked !== this.#asked) {
        for (const track of taken.getTracks()) track.stop(); // or it would stay on, with nobody to turn it off
        return;
      }
      this.#stream = taken;
    } catch (thrown) {
      if (asked === this.#asked) line.set('bad', this.#wrong(thrown), this.#on(t('again.one')));
      return;
    }
    line.more.hidden = false;
    line.set('running', t(`${kind}.running`), this.#off());
    if (kind === 'camera') {
      this.#video.srcObject = this.#stream;
      void this.#video.play().catch(() => undefined); // it plays when the page may
      return;
    }
    this.#meter.listen(this.#stream);
    this.#timer = setInterval(() => {
      if (!this.#meter.heard || line.state === 'ok') return;
      clearInterval(this.#timer);
      line.set('ok', t('microphone.ok'), this.#off());
    }, listenEveryMS);
  }

  #wrong(thrown: unknown): string {
    const { kind, t } = this;
    switch (thrown instanceof DOMException ? thrown.name : '') {
      case 'NotAllowedError':
        return t(`${kind}.refused`);
      case 'SecurityError':
        return t('device.insecure');
      case 'NotReadableError':
        return t(`${kind}.busy`);
      default:
        return t(`${kind}.none`);
    }
  }
}

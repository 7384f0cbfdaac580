/** What somebody who came in does while the event has not begun: hears whether sound works. */
import { el, onPress, say } from '@freshet/player/dom';
import { status } from '../form/form';
import { type Text } from './texts';

/** Three notes, a third of a second apart. */
const notes = [523.25, 659.25, 783.99];
const noteS = 0.32;

export class Lobby {
  readonly root: HTMLElement;
  readonly #heading = el('h2', { id: 'inside', tabindex: -1 });
  readonly #said = status();

  constructor(private readonly t: Text) {
    const test = el('button', { type: 'button', class: 'button' }, t('lobby.sound'));
    onPress(test, () => {
      void this.#play();
    });
    this.root = el(
      'section',
      { class: 'card inside', 'aria-labelledby': 'inside' },
      this.#heading,
      el('p', { class: 'muted' }, t('lobby.text')),
      el('div', { class: 'actions' }, test, this.#said),
    );
  }

  /** Greets by name; '' where none is known. */
  greet(name: string): void {
    say(this.#heading, name === '' ? this.t('lobby.in') : this.t('lobby.in.name', { name }));
  }

  /** Tells readers, and those who move by keys, that they are inside. */
  focus(): void {
    this.#heading.focus({ preventScroll: true });
  }

  async #play(): Promise<void> {
    try {
      const context = new AudioContext();
      await context.resume();
      notes.forEach((frequency, n) => {
        const at = context.currentTime + n * noteS;
        const tone = new OscillatorNode(context, { frequency });
        const gain = new GainNode(context, { gain: 0 });
        gain.gain.setTargetAtTime(0.2, at, 0.02);
        gain.gain.setTargetAtTime(0, at + noteS * 0.6, 0.05);
        tone.connect(gain).connect(context.destination);
        tone.start(at);
        tone.stop(at + noteS * 2);
        if (n === notes.length - 1) tone.addEventListener('ended', () => void context.close());
      });
      say(this.#said, this.t('lobby.sound.heard'));
    } catch {
      say(this.#said, this.t('lobby.sound.none')); // no sound device
    }
  }
}

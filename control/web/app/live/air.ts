/** The bar that puts a stream on the air and takes it off. Each way takes two presses, and no button changes its meaning. */
import { el, onPress, say } from '@freshet/player/dom';
import { type Text } from '../ui/texts';

type Stage = 'off' | 'asking' | 'connecting' | 'live' | 'ending';

export class AirBar {
  readonly element: HTMLElement;
  readonly badge = el('span', { class: 'badge' });

  #stage: Stage = 'off';
  #ready = false;
  #watching = 0;
  #since = 0;

  #clock = el('span', { class: 'clock figure' });
  #words = el('p', { class: 'figure', role: 'status' });
  /** Apart from the words, since a figure that changes is not announced. */
  #viewers = el('p', { class: 'figure' });
  #start: HTMLButtonElement;
  #startNow: HTMLButtonElement;
  #notYet: HTMLButtonElement;
  #end: HTMLButtonElement;
  #endNow: HTMLButtonElement;
  #goOn: HTMLButtonElement;

  constructor(
    private readonly t: Text,
    act: { start: () => void; stop: () => void },
  ) {
    const button = (text: string, main: boolean, on: () => void) =>
      onPress(el('button', { type: 'button', class: main ? 'button main' : 'button' }, text), on);
    this.#start = button(t('air.start'), true, () => {
      this.#enter('asking');
    });
    this.#startNow = button(t('air.startNow'), true, act.start);
    this.#notYet = button(t('air.notYet'), false, () => {
      this.#enter('off');
    });
    this.#end = button(t('air.end'), false, () => {
      this.#enter('ending');
    });
    this.#endNow = button(t('air.endNow'), true, act.stop);
    this.#goOn = button(t('air.goOn'), false, () => {
      this.#enter(this.#since === 0 ? 'connecting' : 'live');
    });
    // A second press at the same place never starts and never ends: where Start was, Not yet stands, and where
    // End was, Stay on the air.
    this.element = el(
      'div',
      { class: 'air card', role: 'group', 'aria-label': t('air.name') },
      this.#end,
      this.#goOn,
      this.#clock,
      this.#words,
      this.#viewers,
      this.#startNow,
      this.#endNow,
      this.#notYet,
      this.#start,
    );
    setInterval(() => {
      this.#draw();
    }, 1000);
    this.#draw();
  }

  /** Whether there is something to send and a key to send it with. */
  ready(ready: boolean): void {
    this.#ready = ready;
    this.#draw();
  }

  /** How many people watch, or wait. */
  watching(n: number): void {
    this.#watching = n;
    this.#draw();
  }

  connecting(): void {
    this.#enter('connecting');
  }

  live(): void {
    if (this.#since === 0) this.#since = Date.now();
    this.#enter(this.#stage === 'ending' ? 'ending' : 'live'); // who is asked whether to end is not interrupted
  }

  off(): void {
    this.#since = 0;
    this.#enter('off');
  }

  #enter(stage: Stage): void {
    const focused = this.element.contains(document.activeElement);
    this.#stage = stage;
    this.#draw();
    // The button that was pressed may be gone: the keyboard goes on with the one that changes least.
    const next = {
      off: this.#start,
      asking: this.#notYet,
      connecting: this.#end,
      live: this.#end,
      ending: this.#goOn,
    };
    if (focused) next[stage].focus();
  }

  #draw(): void {
    const { t } = this;
    const stage = this.#stage;
    this.#start.hidden = stage !== 'off';
    this.#start.disabled = !this.#ready;
    this.#startNow.hidden = this.#notYet.hidden = stage !== 'asking';
    this.#end.hidden = stage !== 'live' && stage !== 'connecting';
    this.#endNow.hidden = this.#goOn.hidden = stage !== 'ending';
    const words: Record<Stage, string> = {
      off: this.#ready ? '' : t('air.missing'),
      asking: t('air.ask', { n: this.#watching }),
      connecting: t('air.connecting'),
      live: t('live'),
      ending: t('air.askEnd', { n: this.#watching }),
    };
    say(this.#words, words[stage]);
    this.#viewers.hidden = stage !== 'live';
    say(this.#viewers, t('viewers', { n: this.#watching }));
    this.#clock.hidden = this.#since === 0;
    if (this.#since !== 0) say(this.#clock, clock(Date.now() - this.#since));
    const live = this.#since !== 0 && (stage === 'live' || stage === 'ending');
    this.badge.classList.toggle('live', live);
    say(this.badge, t(live ? 'live' : 'off'));
  }
}

/** Time on the air: 00:00:00. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map(n => String(Math.floor(n)).padStart(2, '0'))
    .join(':');
}

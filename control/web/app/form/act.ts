/** The button of a form: it does one thing at a time, and nothing while it has to wait. */
import { el, say } from '@freshet/player/dom';

/** Wait after "too many" where the answer does not say how long. */
const waitMS = 5000;

export class Act {
  readonly button = el('button', { class: 'button main' });
  #label = '';
  #busy = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** waiting says how many seconds are left. */
  constructor(
    label: string,
    private readonly waiting: (seconds: number) => string,
  ) {
    this.label = label;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** What it does. */
  set label(label: string) {
    this.#label = label;
    if (!this.#busy) say(this.button, label);
  }

  /** It is being done; label says so. */
  begin(label: string): void {
    this.#busy = true;
    say(this.button, label);
  }

  /** It is done, or failed: it can be pressed again. */
  end(): void {
    clearTimeout(this.#timer);
    this.#busy = false;
    this.button.removeAttribute('aria-disabled');
    say(this.button, this.#label);
  }

  /** Does nothing for ms, says how long that is, and then calls over. Answers the seconds. */
  wait(ms = waitMS, over: () => void = () => undefined): number {
    const until = performance.now() + Math.max(ms, 1000);
    const tick = () => {
      const left = Math.ceil((until - performance.now()) / 1000);
      if (left <= 0) {
        this.end();
        over();
        return;
      }
      this.begin(this.waiting(left));
      this.button.setAttribute('aria-disabled', 'true');
      this.#timer = setTimeout(tick, 250);
    };
    clearTimeout(this.#timer);
    tick();
    return Math.ceil(Math.max(ms, 1000) / 1000);
  }
}

/** The sound meter: how loud what is sent is. */
import { el } from '@freshet/player/dom';

/** Below this, in dBFS, nothing is heard. */
const floorDB = -60;
/** Sound above this counts as heard. */
const heardDB = -50;
const drawEveryMS = 100;

export class Meter {
  readonly element: HTMLElement;
  /** Whether anything has been heard since listen. */
  heard = false;

  #bar = el('div', { class: 'level' });
  #context: AudioContext | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(name: string) {
    this.element = el(
      'div',
      {
        class: 'meter',
        role: 'meter',
        'aria-label': name,
        'aria-valuemin': floorDB,
        'aria-valuemax': 0,
        'aria-valuenow': floorDB,
      },
      this.#bar,
    );
  }

  /** Listens to stream in place of what it listened to. Called by a press, as browsers ask. */
  listen(stream: MediaStream): void {
    this.stop();
    this.heard = false;
    if (stream.getAudioTracks().length === 0) return;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#context = context;
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      this.#draw(levelOf(samples));
    }, drawEveryMS);
  }

  stop(): void {
    clearInterval(this.#timer);
    void this.#context?.close();
    this.#context = undefined;
    this.#draw(floorDB);
  }

  #draw(db: number): void {
    if (db > heardDB) this.heard = true;
    const share = (db - floorDB) / -floorDB;
    this.#bar.style.transform = `scaleX(${share.toFixed(3)})`;
    this.#bar.classList.toggle('hot', db > -6);
    this.element.setAttribute('aria-valuenow', String(Math.round(db)));
  }
}

/** Root mean square of samples in dBFS, from the floor to 0. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const db = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(Math.max(db, floorDB), 0);
}

/** Sessions and plans of tests that look at decisions alone. */
import { type Edge } from '../src/edges';
import { type Problem } from '../src/problem';
import { type Source } from '../src/source';

export const edge = (node: string): Edge => ({ node, region: '', whep: `https://${node}/whep/s` });

export const planned =
  (...nodes: string[]): Source =>
  () =>
    Promise.resolve({ session: '', token: '', expires: undefined, edges: nodes.map(edge) });

/** What Viewing uses of a session; how it does is the test's. */
export class FakePeer {
  constructor(readonly edge: Edge = { node: '', region: '', whep: '' }) {}

  stillMS = 0;
  silentMS = 0;
  lost = false;
  suspect = false;
  soundAlone = false;
  doubted = false;
  closed = false;
  suspected: (() => void) | undefined;
  /** What it was told, in order. */
  told: string[] = [];
  /** After awaitPicture: the first picture has come. */
  pictured!: () => void;

  #picture: Promise<void> = Promise.resolve();

  connected = () => Promise.resolve();
  media = () => Promise.resolve();
  end!: (why: Problem) => void;
  readonly over = new Promise<Problem>(resolve => {
    this.end = resolve;
  });

  async play(_: boolean, back: () => boolean): Promise<boolean> {
    this.told.push('play');
    await this.#picture;
    return !back();
  }

  pause(): Promise<void> {
    this.told.push('pause');
    return Promise.resolve();
  }

  /** Has its first picture come when the test says so, and not at once. */
  awaitPicture(): void {
    this.#picture = new Promise(resolve => {
      this.pictured = resolve;
    });
  }

  /** Has it look silent, as its counters would say. */
  fallSilent(): void {
    this.suspect = true;
    this.suspected?.();
  }

  close(): void {
    this.closed = true;
  }
}

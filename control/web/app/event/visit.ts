/**
 * Whoever comes to an address where nothing plays (yet, or any more): says why, and opens when the event becomes live.
 * Loaded when it is needed, and after the first picture for the title.
 */
import { type FreshetPlayer } from '@freshet/player';
import { el } from '@freshet/player/dom';
import { asProblem } from '@freshet/player/problem';
import { wear } from '../ui/brand';
import { fontsAfterPicture } from '../ui/fonts';
import { type Text as PageText } from '../ui/texts';
import { EventPage } from './page';
import { type Answer, type PublicEvent, eventBySlug } from './public';
import { visitTexts } from './texts';
import { againMS, nextAskMS, openWithinMS } from './waiting';

/** What the watch page gives. */
export interface Place {
  slug: string;
  player: FreshetPlayer;
  /** What stands on the page while it plays. */
  watch: HTMLElement;
  /** The heading in the top bar. */
  heading: HTMLElement;
  t: PageText;
  /** Names the page. */
  name: (title: string) => void;
}

/** How long the player says that the stream has left the air before the page does so. */
const endedForMS = 3000;
/** Those whose stream left the air do not ask in one instant. */
const askWithinMS = 1000;

export class Visit {
  readonly #page: EventPage;
  /** Stands where the heading does while the page has its own. */
  readonly #brand = el('span', { class: 'home brand', 'aria-hidden': 'true' }, 'Freshet');
  #event: PublicEvent | undefined;
  #skew = 0;
  #failures = 0;
  #asking = false;
  /** The player is about to be shown. */
  #opening = false;
  /** How often in a row a live event's join was refused: who answers joins hears of it up to a second later. */
  #refusals = 0;
  /** There is no event here: nothing more to ask. */
  #none = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #leaving: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly place: Place) {
    this.#page = new EventPage(visitTexts(), place.t);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.#timer !== undefined) void this.#ask();
    });
  }

  /** Whether it is known that there is no event here. */
  get none(): boolean {
    return this.#none;
  }

  /** Asks for the event: at once, or within the second where many have the same reason. */
  look(many: boolean): void {
    if (this.#none) return;
    clearTimeout(this.#timer);
    if (many) this.#later(Math.random() * askWithinMS);
    else void this.#ask();
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#asking || this.#none) return;
    this.#asking = true;
    try {
      this.#take(await eventBySlug(this.place.slug));
      this.#failures = 0;
      this.#page.away(false);
    } catch (thrown) {
      this.#failed(thrown);
    } finally {
      this.#asking = false;
    }
    const ms = this.#wait();
    if (ms !== undefined) this.#later(ms);
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }

  /** How long until the next question; undefined while it plays, and where nothing can change. */
  #wait(): number | undefined {
    const { state } = this.place.player;
    const live = this.#event?.state === 'live';
    if (this.#none || this.#opening) return undefined;
    if (live && this.#shows && (state === 'playing' || state === 'moving' || state === 'idle'))
      return undefined;
    const chance = Math.random();
    if (live && !this.#shows) return againMS(this.#refusals, chance);
    return nextAskMS({
      event: this.#event,
      now: Date.now() + this.#skew,
      hidden: document.hidden,
      failures: this.#failures,
      chance,
    });
  }

  #failed(thrown: unknown): void {
    const { status } = asProblem(thrown);
    if (status === 404 || status === 422) {
      // Unknown; or hidden from now on, and then what is shown stays.
      this.#none = true;
      this.#reveal();
      return;
    }
    this.#failures++;
    this.#page.away(this.#failures > 1);
    if (!this.#event) this.#reveal();
  }

  #take({ event, skew }: Answer): void {
    this.#event = event;
    this.#skew = skew;
    const { player, name } = this.place;
    name(event.title);
    wear(event.brand);
    clearTimeout(this.#leaving);
    const plays = player.state === 'playing' || player.state === 'moving' || player.state === 'stalled';
    switch (event.state) {
      case 'live':
        this.#open(event);
        break;
      case 'ended':
        if (this.#shows && (plays || player.state === 'ended')) {
          this.#leaving = setTimeout(() => {
            this.#showPage(event);
          }, endedForMS);
        } else this.#showPage(event);
        break;
      case undefined:
        this.#reveal();
        break;
      default:
        if (!this.#shows || !plays) this.#showPage(event);
    }
  }

  /** Whether the player is on the page, and not the event's. */
  get #shows(): boolean {
    return !this.place.watch.hidden;
  }

  /** Shows the player as it stands. */
  #reveal(): void {
    this.place.player.classList.remove('unsaid');
  }

  /** Joins a live event, which needs no reload; where the join was just refused, a little later. */
  #open(event: PublicEvent): void {
    const { player, watch, heading } = this.place;
    if (this.#shows) {
      if (player.state !== 'refused') {
        this.#refusals = 0;
      } else if (player.problem?.status === 404) {
        this.#refusals++;
        this.#showPage(event);
      } else this.#reveal(); // it asks for a password, or the like
      return;
    }
    this.#page.show(event, this.#skew);
    if (this.#opening) return;
    this.#opening = true;
    setTimeout(() => {
      this.#opening = false;
      const focused = this.#page.root.contains(document.activeElement);
      this.#page.rest();
      this.#page.root.remove();
      watch.hidden = false;
      heading.hidden = false;
      this.#brand.hidden = true;
      window.scrollTo(0, 0);
      player.play();
      if (focused) document.getElementById('main')?.focus();
    }, Math.random() * openWithinMS);
  }

  #showPage(event: PublicEvent): void {
    const { player, watch, heading } = this.place;
    this.#page.show(event, this.#skew);
    if (!this.#shows) return;
    player.stop();
    watch.hidden = true;
    heading.hidden = true;
    this.#brand.hidden = false;
    heading.before(this.#brand);
    fontsAfterPicture(); // none will come soon
    watch.before(this.#page.root);
  }
}

/**
 * Whoever comes to the address of an event: asks for what its rule wants, has them wait, and opens the player when the
 * event is live. Loaded beside the player, which needs nothing of it where somebody comes back.
 */
import { type FreshetPlayer } from '@freshet/player';
import { el } from '@freshet/player/dom';
import { asProblem } from '@freshet/player/problem';
import { wear } from '../ui/brand';
import { fontsAfterPicture } from '../ui/fonts';
import { type Text as PageText } from '../ui/texts';
import { Guest } from './guest';
import { News } from './news';
import { EventPage } from './page';
import { type Answer, type PublicEvent, eventBySlug } from './public';
import { visitTexts } from './texts';
import { againMS, listenAgainMS, nextAskMS, openWithinMS } from './waiting';

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
  /** Offers the code for other sites, or not. */
  embeddable: (is: boolean) => void;
}

/** How long the player says that the stream has left the air before the page does so. */
const endedForMS = 3000;
/** Those whose stream left the air do not ask in one instant. */
const askWithinMS = 1000;

export class Visit {
  readonly #page: EventPage;
  readonly #guest: Guest;
  /** Stands where the heading does while the page has its own. */
  readonly #brand = el('span', { class: 'home brand', 'aria-hidden': 'true' }, 'Freshet');
  #news: News | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #event: PublicEvent | undefined;
  #skew = 0;
  #failures = 0;
  #asking = false;
  /** The player is about to be shown. */
  #opening: ReturnType<typeof setTimeout> | undefined;
  /** Whether somebody may come in is being asked. */
  #coming = false;
  /** How often in a row a live event's join was refused: who answers joins hears of it up to a second later. */
  #refusals = 0;
  /** There is no event here: nothing more to ask. */
  #none = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #leaving: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly place: Place) {
    const t = visitTexts();
    this.#page = new EventPage(t, place.t);
    this.#guest = new Guest(place.slug, place.player, this.#page.slot, t, {
      entered: () => {
        if (this.#event) this.#take({ event: this.#event, skew: this.#skew });
      },
      changed: () => void this.#ask(),
    });
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.#timer !== undefined) void this.#ask();
    });
  }

  /** Whether it is known that there is no event here. */
  get none(): boolean {
    return this.#none;
  }

  /** Asks for the event: at once, or within the second where many have the same reason and nothing tells it. */
  look(many: boolean): void {
    if (this.#none || (many && this.#news)) return;
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
      if (!this.#news && this.#retry === undefined) this.#listen();
    } catch (thrown) {
      this.#failed(thrown);
    } finally {
      this.#asking = false;
    }
    this.#plan();
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }

  /** Asks again where nothing else brings news. */
  #plan(): void {
    const { state } = this.place.player;
    const live = this.#event?.state === 'live';
    if (this.#none || this.#coming || this.#opening !== undefined) return;
    const chance = Math.random();
    if (live && !this.#shows && this.#guest.inside) this.#later(againMS(this.#refusals, chance));
    else if (
      !this.#news &&
      !(live && this.#shows && (state === 'playing' || state === 'moving' || state === 'idle'))
    ) {
      const ms = nextAskMS({
        event: this.#event,
        now: Date.now() + this.#skew,
        hidden: document.hidden,
        failures: this.#failures,
        chance,
      });
      if (ms !== undefined) this.#later(ms);
    }
  }

  /** Has the server tell what changes; where that does not come through, it is asked, and listened to again later. */
  #listen(): void {
    this.#retry = undefined;
    if (this.#none || this.#event?.state === 'cancelled') return;
    this.#news = new News(this.place.slug, {
      event: event => {
        this.#page.away(false);
        this.#take({ event, skew: this.#skew });
        this.#plan();
      },
      leaving: nodes => {
        this.place.player.leave(nodes);
      },
      age: ms => {
        this.#page.old(ms);
      },
      gone: () => {
        this.#news = undefined;
        void this.#ask();
      },
      deaf: () => {
        this.#news = undefined;
        this.#page.old(0);
        this.#retry = setTimeout(() => {
          this.#listen();
        }, listenAgainMS(Math.random()));
        void this.#ask();
      },
    });
  }

  #failed(thrown: unknown): void {
    const { status } = asProblem(thrown);
    if (status === 404 || status === 422) {
      // Unknown; or hidden from now on, and then what is shown stays.
      this.#none = true;
      this.#news?.close();
      this.#news = undefined;
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
    const { player, name, embeddable } = this.place;
    name(event.title);
    wear(event.brand);
    embeddable(event.embeddable);
    clearTimeout(this.#leaving);
    const plays = player.state === 'playing' || player.state === 'moving' || player.state === 'stalled';
    switch (event.state) {
      case 'live':
        if (plays && this.#shows) this.#refusals = 0;
        else void this.#open(event);
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

  /** Shows the player as it stands; where it was not asked to play yet, it begins. */
  #reveal(): void {
    const { player } = this.place;
    player.classList.remove('unsaid');
    if (player.state === 'idle' && this.#shows) player.play();
  }

  /** Joins a live event, which needs no reload; where the join was just refused, a little later. */
  async #open(event: PublicEvent): Promise<void> {
    const { state, problem } = this.place.player;
    if (this.#coming || this.#opening !== undefined) return;
    if (this.#shows && state === 'refused' && problem?.status === 404) {
      this.#refusals++;
      this.#showPage(event);
      return;
    }
    const refused = this.#shows && state === 'refused' && problem?.status === 401;
    if (this.#shows && state !== 'idle' && !refused) {
      this.#reveal(); // it says itself what is wrong
      return;
    }
    this.#coming = true;
    const holds = await (refused ? this.#guest.again(event, problem) : this.#guest.holds(event));
    this.#coming = false;
    if (!holds) this.#refusals++;
    this.#showPage(event);
    if (!holds) {
      this.#plan();
      return;
    }
    this.#opening = setTimeout(
      () => {
        this.#opening = undefined;
        this.#play();
      },
      this.#guest.pressed ? 0 : Math.random() * openWithinMS,
    );
  }

  #play(): void {
    const { player, watch, heading } = this.place;
    if (this.#event?.state !== 'live') return;
    const focused = this.#page.root.contains(document.activeElement);
    this.#page.rest();
    this.#page.root.remove();
    watch.hidden = false;
    heading.hidden = false;
    this.#brand.hidden = true;
    window.scrollTo(0, 0);
    player.classList.remove('unsaid');
    player.play();
    if (focused) document.getElementById('main')?.focus();
  }

  /** Shows the event's page, with the door or the lobby. */
  #showPage(event: PublicEvent): void {
    const { player, watch, heading } = this.place;
    this.#page.show(event, this.#skew, this.#guest.inside);
    this.#guest.show(event);
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

/** The person in front of an event's page: at the door, or inside with a token that is kept fresh. */
import { type EntryDetail, type FreshetPlayer } from '@freshet/player';
import { type Problem } from '@freshet/player/problem';
import { asApiProblem } from '../ui/refusal';
import { Door, type Why } from './door';
import { type Entry, type Knock, enter } from './enter';
import { Lobby } from './lobby';
import { type PublicEvent } from './public';
import { type Stay, dropStay, keepStay, stayOf } from './stay';
import { type Text } from './texts';

/** Who waits renews the token as often as who watches. */
const renewEveryMS = 5 * 60_000;

export class Guest {
  readonly #door: Door;
  readonly #lobby: Lobby;
  #stay: Stay | undefined;
  /** A link that leads in directly: not tried yet, or not any more. */
  #direct = new URLSearchParams(location.search).get('direct') ?? '';
  #why: Why | undefined;
  /** The pass that is in use elsewhere. */
  #pass = '';
  #pressed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly slug: string,
    private readonly player: FreshetPlayer,
    private readonly slot: HTMLElement,
    t: Text,
    private readonly on: {
      /** Somebody came in. */
      entered(): void;
      /** The event is another one than the page knows. */
      changed(): void;
    },
  ) {
    this.#stay = stayOf(slug);
    this.#lobby = new Lobby(t);
    this.#door = new Door(t, {
      entered: (entry, knock) => {
        this.#pressed = true;
        this.#take({ entry, knock });
        this.on.entered();
        if (this.slot.contains(this.#lobby.root)) this.#lobby.focus();
      },
      changed: () => {
        this.on.changed();
      },
    });
    player.addEventListener('freshet-entry', event => {
      const { session, token, expires } = (event as CustomEvent<EntryDetail>).detail;
      if (!this.#stay || expires === undefined) return;
      this.#take({ ...this.#stay, entry: { ...this.#stay.entry, session, token, expires } });
    });
    if (this.#stay) this.#take(this.#stay);
  }

  /** Whether somebody came in; the token may have run out since. */
  get inside(): boolean {
    return this.#stay !== undefined;
  }

  /** Whether a press of this moment let them in: nobody else does the same in this instant. */
  get pressed(): boolean {
    const pressed = this.#pressed;
    this.#pressed = false;
    return pressed;
  }

  /** Shows the lobby, or the door; neither where the event is over. */
  show(event: PublicEvent): void {
    if (event.state === 'ended' || event.state === 'cancelled') {
      this.slot.replaceChildren();
      return;
    }
    if (this.#stay) {
      this.#lobby.greet(this.#stay.entry.name);
      this.#stand(this.#lobby.root);
      return;
    }
    if (this.#direct !== '') {
      void this.holds(event).then(holds => {
        if (holds) this.on.entered();
        else this.show(event);
      });
      return;
    }
    this.#door.show(event, this.#why, this.#pass);
    this.#stand(this.#door.root);
  }

  #stand(root: HTMLElement): void {
    if (this.slot.firstChild !== root) this.slot.replaceChildren(root);
  }

  /** Whether there is a token that counts, or one can be had without asking the person. */
  async holds(event: PublicEvent): Promise<boolean> {
    if (this.#stay && this.#stay.entry.expires > Date.now()) return true;
    if (this.#direct !== '') {
      const direct = this.#direct;
      this.#direct = '';
      return this.#knock({ direct }, 'direct-wrong');
    }
    return this.#stay !== undefined && this.again(event, undefined);
  }

  /** Comes in again by what was shown before, where its token ran out or was refused. Why not is said at the door. */
  async again({ access }: PublicEvent, refusal: Problem | undefined): Promise<boolean> {
    if (!this.#stay) return false;
    const { knock } = this.#stay;
    const { pass, direct, password, name } = knock;
    // What was taken back is not asked for again by itself; who has a pass is told whether it is used elsewhere.
    const ranOut = refusal === undefined || refusal.kind === 'token-expired';
    const own = pass ?? (ranOut ? (direct ?? (access === 'password' ? password : name)) : undefined);
    if (own !== undefined) return this.#knock(knock, pass === undefined ? 'expired' : 'pass-wrong');
    this.#leave('expired');
    return false;
  }

  async #knock(knock: Knock, otherwise: Why): Promise<boolean> {
    try {
      this.#take({ entry: await enter(this.slug, knock, this.#stay?.entry.token), knock });
      return true;
    } catch (thrown) {
      const { kind, status } = asApiProblem(thrown);
      if (kind === 'pass-in-use') {
        this.#leave('elsewhere');
        this.#pass = knock.pass ?? '';
      } else if (status >= 400 && status < 500 && status !== 429) this.#leave(otherwise);
      return false; // nobody answers: what there was is tried again
    }
  }

  #take(stay: Stay): void {
    this.#stay = stay;
    this.#why = undefined;
    this.#pass = '';
    keepStay(this.slug, stay);
    const { token } = stay.entry;
    this.player.setAttribute('token', token);
    if (stay.knock.language !== undefined) this.player.setAttribute('language', stay.knock.language);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(stay.entry), renewEveryMS * (0.9 + Math.random() / 5));
  }

  /** While nothing plays: the player renews by itself. */
  async #renew(entry: Entry): Promise<void> {
    const stay = this.#stay;
    if (stay?.entry !== entry) return;
    const { state } = this.player;
    try {
      if (state === 'idle' || state === 'refused') {
        this.#take({ ...stay, entry: await enter(this.slug, stay.knock, entry.token) });
        return;
      }
    } catch {
      // Nobody there, or it does not count any more: what was shown at the door is shown again at the start.
    }
    this.#timer = setTimeout(() => void this.#renew(entry), renewEveryMS);
  }

  #leave(why: Why): void {
    clearTimeout(this.#timer);
    this.#why = why;
    this.#stay = undefined;
    dropStay(this.slug);
    this.player.removeAttribute('token');
  }
}

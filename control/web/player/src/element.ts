/** <freshet-player>: puts together what plays (viewing.ts) and what is seen (surface.ts). */
import { Units, describeProblem } from './describe';
import { el, onPress, say } from './dom';
import { type Act, actOf, isTaken, keyList, lettersOn, repeats } from './keys';
import { type Layers } from './layers';
import { type Happening, type State, after, explainAfterMS } from './machine';
import { type Language, languageOf } from './message';
import { Panel } from './panel';
import { type Peer } from './peer';
import { Problem, asProblem } from './problem';
import { type Wanted, fill, wantedOf } from './quality';
import { type Figures } from './rates';
import { Screen } from './screen';
import { fixed, joined } from './source';
import { styleSheets } from './style';
import { type Surface, draw, surfaceOf } from './surface';
import { type Key, type Text, textsOf } from './texts';
import { Viewing } from './viewing';

/** Figures and the bar are refreshed this often while playing. */
const refreshEveryMS = 1000;
/** At most one spoken message in this time. */
const speakEveryMS = 10_000;
/** In full screen the bar goes away this long after the last movement. */
const barStaysMS = 3000;

/** Detail of the event freshet-state. */
export interface StateDetail {
  state: State;
  problem: Problem | undefined;
}

/** Detail of the event freshet-entry: what a join answered, at first and each time that it is renewed. */
export interface EntryDetail {
  session: string;
  token: string;
  /** In ms since 1970; undefined where the token does not run out. */
  expires: number | undefined;
}

export class FreshetPlayer extends HTMLElement {
  static readonly observedAttributes = [
    'src',
    'event',
    'stream',
    'language',
    'token',
    'api',
    'lang',
    'poster',
    'muted',
  ];

  #state: State = 'idle';
  #problem: Problem | undefined;
  #language: Language = 'en';
  #t: Text = textsOf('en');
  #units = new Units('en');
  // There from the first connectedCallback on, which draws: before it nothing is played.
  #ui!: Surface;
  #screen!: Screen;
  #panel!: Panel;
  #viewing: Viewing | undefined;
  #playing: AbortController | undefined;
  #mounted: AbortController | undefined;
  #layers: Layers | undefined;
  #wanted: Wanted = null;
  #volume = 1;
  #startedAt = 0;
  #firstPictureMS: number | undefined;
  #pictured = false;
  #spokenAt = -Infinity;
  #barTimer: ReturnType<typeof setTimeout> | undefined;
  /** The browser plays nothing, not even without sound, before a press (a phone that saves power). */
  #held = false;

  /** How it stands. */
  get state(): State {
    return this.#state;
  }

  /** Why it is refused, waiting, stalled or moving; undefined while all is well. */
  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** What arrived in the last second; undefined before the first. */
  get figures(): Figures | undefined {
    return this.#viewing?.peer?.figures;
  }

  /** Milliseconds from play() to the first painted picture. */
  get firstPictureMS(): number | undefined {
    return this.#firstPictureMS;
  }

  /** The edge that serves, and the session at it. */
  get session(): { edge: string; region: string; id: string } | undefined {
    const peer = this.#viewing?.peer;
    return (
      peer && { edge: peer.edge.node || new URL(peer.edge.whep).host, region: peer.edge.region, id: peer.id }
    );
  }

  /** The edge that stands by, with the attribute standby; empty while none does. */
  get standby(): string {
    return this.#viewing?.standby ?? '';
  }

  /** The WHEP address that is being played; empty before one is. */
  get whep(): string {
    return this.#viewing?.peer?.edge.whep ?? '';
  }

  /** The video element, for pages that read frames from it. */
  get video(): HTMLVideoElement {
    return this.#ui.video;
  }

  // Pages and frameworks set these two before the element stands in a document, too.
  get muted(): boolean {
    return this.#mounted ? this.#ui.video.muted : this.hasAttribute('muted');
  }

  set muted(muted: boolean) {
    if (!this.#mounted) {
      this.toggleAttribute('muted', muted);
      return;
    }
    this.#ui.video.muted = muted;
    if (!muted && this.#playing) void this.#screen.play();
  }

  /** 0 to 1. */
  get volume(): number {
    return this.#mounted ? this.#ui.video.volume : this.#volume;
  }

  set volume(volume: number) {
    this.#volume = Math.min(Math.max(volume, 0), 1);
    if (this.#mounted) this.#ui.video.volume = this.#volume;
  }

  connectedCallback(): void {
    this.#mounted = new AbortController();
    this.#build();
    const { signal } = this.#mounted;
    // Leaving for good or into the browser's page cache: the edge is told at once, and asked again on return.
    let wasPlaying = false;
    addEventListener(
      'pagehide',
      () => {
        wasPlaying = this.#playing !== undefined;
        this.stop();
      },
      { signal },
    );
    addEventListener(
      'pageshow',
      event => {
        if (event.persisted && wasPlaying) this.play();
      },
      { signal },
    );
    const keyTarget: EventTarget = this.getAttribute('keys') === 'page' ? document : this;
    keyTarget.addEventListener(
      'keydown',
      event => {
        this.#onKey(event as KeyboardEvent);
      },
      { signal },
    );
    document.addEventListener(
      'fullscreenchange',
      () => {
        this.#draw();
      },
      { signal },
    );
    const refresh = setInterval(() => {
      this.#refresh();
    }, refreshEveryMS);
    signal.addEventListener('abort', () => {
      clearInterval(refresh);
      clearTimeout(this.#barTimer);
    });
    if (this.autoplay) this.play();
  }

  disconnectedCallback(): void {
    this.stop();
    this.#mounted?.abort();
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (!this.isConnected || !this.#mounted || before === now) return;
    if (name === 'muted') {
      this.muted = now !== null;
    } else if (name === 'lang' || name === 'poster') {
      const was = this.#playing !== undefined;
      this.stop();
      this.#build();
      if (was) this.play();
    } else if (name === 'token' && this.hasAttribute('event')) {
      // It counts from the next play on: what plays has a newer one from its joins.
    } else if (this.#playing) {
      this.stop();
      this.play();
    }
  }

  /** Whether playing starts by itself: muted until the page has been pressed. */
  get autoplay(): boolean {
    return this.hasAttribute('autoplay');
  }

  /** Starts, or starts again. Outside a document nothing plays: nobody would see it, or end it. */
  play(): void {
    if (!this.isConnected) return;
    this.#playing?.abort();
    const playing = new AbortController();
    this.#playing = playing;
    this.#startedAt = performance.now();
    this.#firstPictureMS = undefined;
    this.#problem = undefined;
    say(this.#ui.status, ''); // what was said of the last try
    if (this.#state !== 'idle') this.#enter('idle');
    this.#happened('start');
    if (!('RTCPeerConnection' in globalThis)) {
      this.#happened('refuse', new Problem('browser', 0, 'No WebRTC'));
      return;
    }
    // Sound needs a press of the page; it may have been anywhere on it, the door before this page included.
    if (!navigator.userActivation.hasBeenActive) this.#ui.video.muted = true;

    const event = this.getAttribute('event');
    const [api, stream, language, token, src] = ['api', 'stream', 'language', 'token', 'src'].map(
      name => this.getAttribute(name) ?? '',
    ) as [string, string, string, string, string];
    const source =
      event !== null
        ? joined(api || '/api/v1', event, { stream, language }, token, document.baseURI)
        : fixed(src, token, document.baseURI);
    const viewing = new Viewing(
      source,
      {
        happened: (what, why) => {
          if (!playing.signal.aborted) this.#happened(what, why);
        },
        planned: ({ session, token, expires }) => {
          if (playing.signal.aborted) return;
          this.dispatchEvent(
            new CustomEvent<EntryDetail>('freshet-entry', {
              bubbles: true,
              composed: true,
              detail: { session, token, expires },
            }),
          );
        },
        show: peer => {
          if (!playing.signal.aborted) this.#show(peer);
        },
      },
      this.getAttribute('standby') === 'warm',
    );
    this.#viewing = viewing;
    void viewing.run(playing.signal);
  }

  /** Leaves the edge. The last picture stays. */
  stop(): void {
    if (!this.#playing) return;
    this.#leave();
    this.#happened('stop');
  }

  /** Moves to the next edge of the ranking, opening it before the present one is closed. */
  move(): void {
    this.#viewing?.move();
  }

  /** Moves on within some seconds where it plays from an edge of these nodes: they are about to stop. */
  leave(nodes: string[]): void {
    this.#viewing?.leave(nodes);
  }

  /** The layers that the edge offers, best first; asked of it anew. undefined where it offers no choice. */
  async layers(): Promise<Layers | undefined> {
    const peer = this.#viewing?.peer;
    return peer?.layers(this.#signal()).catch(() => undefined);
  }

  /** Asks for a layer, for sound alone, or with null for what fits. A choice by hand stays through moves. */
  async choose(wanted: Wanted): Promise<void> {
    this.#wanted = wanted;
    await this.#askForLayer();
  }

  #signal(): AbortSignal {
    return this.#playing?.signal ?? AbortSignal.abort();
  }

  #leave(): void {
    this.#playing?.abort(new DOMException('left', 'AbortError'));
    this.#playing = undefined;
    this.#viewing?.peer?.close(); // now, not in the next turn: the page may be going away
    this.#viewing = undefined;
    this.#held = false;
    this.#screen.hold();
  }

  #build(): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = styleSheets(this);
    this.#language = languageOf([this.closest('[lang]')?.getAttribute('lang'), ...navigator.languages]);
    this.#t = textsOf(this.#language);
    this.#units = new Units(this.#language);
    const before = this.#mounted && this.shadowRoot?.querySelector('video');
    this.#ui = surfaceOf(this.#t);
    this.#ui.root.lang = this.#language;
    this.#ui.video.muted = before?.muted ?? this.hasAttribute('muted');
    this.#ui.video.volume = this.#volume;
    root.replaceChildren(this.#ui.root);
    this.#screen = new Screen(this.#ui.video, {
      picture: () => {
        this.#painted();
      },
      silenced: () => {
        this.#draw();
      },
      held: () => {
        this.#held = this.#playing !== undefined;
        this.#draw();
      },
    });
    this.#panel = new Panel(this.#ui.panel, this.#t, this.#units);
    this.#pictured = false;
    const poster = this.getAttribute('poster');
    if (poster !== null) this.#ui.poster.append(el('img', { src: poster, alt: '' }));
    this.#wire();
    this.#draw();
  }

  #wire(): void {
    const ui = this.#ui;
    const toggle = () => {
      this.#act('play');
    };
    onPress(ui.bigPlay, () => {
      if (this.#held) void this.#screen.play();
      else this.play();
    });
    onPress(ui.play, toggle);
    const again = () => {
      this.play();
    };
    onPress(ui.again, again);
    onPress(ui.noticeAgain, again);
    onPress(ui.soundOn, () => {
      this.#soundOn();
      ui.mute.focus();
    });
    onPress(ui.mute, () => {
      this.#act('mute');
    });
    onPress(ui.details, () => {
      this.#act('details');
    });
    onPress(ui.full, () => {
      this.#act('full');
    });
    onPress(ui.pip, () => {
      this.#act('picture');
    });
    onPress(ui.keys, () => {
      this.#act('list');
    });
    ui.volume.addEventListener('input', () => {
      this.volume = Number(ui.volume.value) / 100;
      this.muted = this.volume === 0;
    });
    ui.quality.addEventListener('change', () => {
      void this.choose(wantedOf(ui.quality.value));
    });
    ui.quality.addEventListener('focus', () => void this.#askForOffer());
    ui.video.addEventListener('resize', () => void this.#askForOffer());
    for (const name of ['volumechange', 'enterpictureinpicture', 'leavepictureinpicture']) {
      ui.video.addEventListener(name, () => {
        this.#draw();
      });
    }
    // Not at the first picture: a video that is held paints one, and stands.
    ui.video.addEventListener('playing', () => {
      this.#held = false;
      this.#draw();
    });
    // A phone stops the video when its own full screen is left.
    ui.video.addEventListener('webkitendfullscreen', () => {
      if (this.#playing) void this.#screen.play();
    });
    ui.root.addEventListener('pointermove', () => {
      this.#showBar();
    });
    ui.root.addEventListener('focusin', () => {
      this.#showBar();
    });
    ui.stage.addEventListener('dblclick', () => {
      this.#act('full');
    });
  }

  #show(peer: Peer): void {
    this.#screen.show(peer.tracks);
    void this.#afterJoin(peer);
  }

  /** A choice by hand stays through moves. */
  async #afterJoin(peer: Peer): Promise<void> {
    if (this.#wanted !== null) await this.#askForLayer(peer);
    await this.#askForOffer(peer);
  }

  /** Asks which layers there are: after a join, when the picture changes its size, when the list is opened. */
  async #askForOffer(peer = this.#viewing?.peer): Promise<void> {
    try {
      this.#layers = (await peer?.layers(this.#signal())) ?? this.#layers;
    } catch {
      this.#layers = undefined; // this edge offers no choice, or is gone, which its pulse tells
    }
    this.#draw();
  }

  async #askForLayer(peer = this.#viewing?.peer): Promise<void> {
    const wanted = this.#wanted;
    try {
      await peer?.choose(
        wanted === null || wanted === 'audio' ? null : wanted.rid,
        wanted === 'audio',
        this.#signal(),
      );
      // With sound alone no picture comes that would end a move.
      if (wanted === 'audio' && this.#state === 'moving') this.#happened('picture');
    } catch (thrown) {
      // The edge no longer has it: what fits is the honest answer, and the select says so.
      if (asProblem(thrown).status >= 400) this.#wanted = null;
    }
    this.#draw();
  }

  #painted(): void {
    this.#pictured = true;
    this.#firstPictureMS ??= performance.now() - this.#startedAt;
    this.#happened('picture');
    this.dispatchEvent(
      new CustomEvent('freshet-picture', {
        bubbles: true,
        composed: true,
        detail: { ms: this.#firstPictureMS },
      }),
    );
  }

  #happened(what: Happening, why?: Problem): void {
    const next = after(this.#state, what);
    this.#problem =
      what === 'picture' || what === 'start' || what === 'stop' ? undefined : (why ?? this.#problem);
    this.#enter(next);
  }

  #enter(next: State): void {
    const changed = next !== this.#state;
    this.#state = next;
    if (next === 'waiting' || next === 'ended') this.#pictured = false;
    this.#draw();
    if (!changed) return;
    this.dispatchEvent(
      new CustomEvent<StateDetail>('freshet-state', {
        bubbles: true,
        composed: true,
        detail: { state: next, problem: this.#problem },
      }),
    );
    this.#speak();
  }

  /** Tells those who do not see the screen, at most once in 10 s, and never of a move. */
  #speak(): void {
    const words: Partial<Record<State, string>> = {
      playing: this.#t('playing'),
      waiting: this.#t('waiting.title'),
      ended: this.#t('ended.title'),
      stalled: this.#t(stallOf(this.#problem).badge),
      refused: this.#problem ? describeProblem(this.#problem, this.#t) : this.#t('problem.what'),
    };
    const word = words[this.#state];
    const now = performance.now();
    if (word === undefined || (this.#state !== 'refused' && now - this.#spokenAt < speakEveryMS)) return;
    this.#spokenAt = now;
    say(this.#ui.status, word);
  }

  #refresh(): void {
    if (this.#state === 'idle') return;
    this.#draw();
    const peer = this.#viewing?.peer;
    if (!peer) return;
    if (!this.#ui.panel.hidden) this.#fillPanel();
    if (this.figures) {
      this.dispatchEvent(
        new CustomEvent<Figures>('freshet-figures', { bubbles: true, composed: true, detail: this.figures }),
      );
    }
  }

  #fillPanel(): void {
    const session = this.session;
    const circumstances = {
      edge: session ? [session.edge, session.region].filter(s => s !== '').join(', ') : '',
      layer: this.#layers?.active ?? '',
      session: this.#viewing?.plan?.session || (session?.id ?? ''),
      firstPictureMS: this.#firstPictureMS,
    };
    this.#panel.update(this.figures, circumstances, this.#viewing?.peer);
  }

  #onKey(event: KeyboardEvent): void {
    if (isTaken(event)) return;
    const act = actOf(event.key, this.getAttribute('keys') !== 'off' && lettersOn());
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || repeats(act)) this.#act(act);
  }

  #act(act: Act): void {
    const { video, panel } = this.#ui;
    switch (act) {
      case 'play':
        if (this.#playing && this.#state !== 'refused') this.stop();
        else this.play();
        break;
      case 'mute':
        if (video.muted || video.volume === 0) this.#soundOn();
        else this.muted = true;
        break;
      case 'louder':
      case 'quieter':
        this.volume = Math.round((video.volume + (act === 'louder' ? 0.05 : -0.05)) * 100) / 100;
        if (act === 'louder') this.muted = false;
        break;
      case 'full':
        if (document.fullscreenEnabled)
          void (document.fullscreenElement ? document.exitFullscreen() : this.requestFullscreen()).catch(
            () => undefined,
          );
        else this.#screen.fill();
        break;
      case 'picture':
        if (!document.pictureInPictureEnabled || video.videoWidth === 0) return;
        void (
          document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture()
        ).catch(() => undefined);
        break;
      case 'details':
        panel.hidden = !panel.hidden;
        if (!panel.hidden) this.#fillPanel();
        break;
      case 'list': {
        const dialog = keyList(this.#t);
        this.#ui.root.append(dialog);
        dialog.showModal();
        break;
      }
    }
    this.#draw();
  }

  /** Unmutes so that something is heard: sound that was turned down to nothing comes back at half. */
  #soundOn(): void {
    if (this.volume === 0) this.volume = 0.5;
    this.muted = false;
  }

  #showBar(): void {
    clearTimeout(this.#barTimer);
    this.#ui.root.classList.remove('still');
    this.#barTimer = setTimeout(() => {
      if (document.fullscreenElement === this) this.#ui.root.classList.add('still');
    }, barStaysMS);
  }

  /** Puts the whole state on the screen; called on every change and once a second. */
  #draw(): void {
    if (!this.#mounted) return;
    const ui = this.#ui;
    const t = this.#t;
    const state = this.#state;
    const on = state !== 'idle' && state !== 'refused';

    draw(ui.play, on ? 'pause' : 'play');
    ui.play.setAttribute('aria-pressed', String(on));
    ui.bigPlay.hidden = state !== 'idle' && !this.#held;
    ui.poster.classList.toggle('away', this.#pictured && ui.video.videoWidth > 0 && this.#wanted !== 'audio');

    const cause = stallOf(this.#problem);
    const badges: Partial<Record<State, [string, string]>> = {
      joining: ['', t('joining')],
      playing: ['live', t('live')],
      moving: ['live', t('live')],
      stalled: ['warn', t(cause.badge)],
    };
    const [look, word] = badges[state] ?? ['', ''];
    ui.badge.className = `badge ${look}`.trim();
    say(ui.badge, word);

    this.#drawCard();
    this.#drawNotice(t(cause.text));

    const muted = ui.video.muted || ui.video.volume === 0;
    ui.soundOn.hidden = !(on && ui.video.muted);
    draw(ui.mute, muted ? 'muted' : 'sound');
    ui.mute.setAttribute('aria-pressed', String(muted));
    const level = String(Math.round(ui.video.volume * 100));
    if (ui.volume.value !== level) ui.volume.value = level;
    ui.details.setAttribute('aria-expanded', String(!ui.panel.hidden));
    ui.pip.hidden = !document.pictureInPictureEnabled;
    ui.pip.setAttribute('aria-pressed', String(this.shadowRoot?.pictureInPictureElement === ui.video));
    ui.full.hidden = !document.fullscreenEnabled && !this.#screen.fills;
    const full = document.fullscreenElement === this;
    draw(ui.full, full ? 'small' : 'full');
    ui.full.setAttribute('aria-pressed', String(full));
    fill(ui.quality, this.#viewing?.peer ? this.#layers : undefined, ui.video.videoHeight, this.#wanted, t);
  }

  /** What has taken longer than a person waits without a word, why, and a button. */
  #drawNotice(cause: string): void {
    const { notice, noticeText } = this.#ui;
    const joining = this.#state === 'joining' && this.#problem !== undefined;
    const ms = joining ? performance.now() - this.#startedAt : (this.#viewing?.peer?.stillMS ?? 0);
    notice.hidden = !(joining || this.#state === 'stalled') || ms < explainAfterMS;
    if (notice.hidden) return;
    const seconds = this.#t('stalled.title', { seconds: Math.round(ms / 1000) });
    say(
      noticeText,
      `${seconds}. ${joining && this.#problem ? describeProblem(this.#problem, this.#t) : cause}`,
    );
  }

  #drawCard(): void {
    const { card, cardTitle, cardText, again } = this.#ui;
    const state = this.#state;
    card.hidden = !(state === 'waiting' || state === 'ended' || state === 'refused');
    again.hidden = state !== 'refused';
    if (card.hidden) return;
    if (state === 'refused') {
      const problem = this.#problem ?? new Problem('unknown', 0, this.#t('problem.what'));
      say(cardTitle, this.#t('problem.what'));
      const log = problem.more.instance;
      say(
        cardText,
        describeProblem(problem, this.#t) +
          (log === undefined ? '' : ` ${this.#t('problem.log', { id: log })}`),
      );
    } else {
      say(cardTitle, this.#t(`${state as 'waiting' | 'ended'}.title`));
      say(cardText, this.#t(`${state as 'waiting' | 'ended'}.text`));
    }
  }
}

/** What a stall is called, short and long. */
function stallOf(problem: Problem | undefined): { badge: Key; text: Key } {
  switch (problem?.kind) {
    case 'silent':
      return { badge: 'silent', text: 'stalled.source' };
    case 'picture':
      return { badge: 'noPicture', text: 'stalled.picture' };
  }
  return { badge: 'reconnecting', text: 'stalled.path' };
}
